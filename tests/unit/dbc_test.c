// SPDX-License-Identifier: BSD-3-Clause
/*
 * Does the DBC parser read the bits that the format says, from clean and from sloppy files?
 * The bit positions in the tables were worked out by hand from the published description of
 * the two bit numberings; the random round trip uses an encoder that sets one bit at a time.
 */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/dbc.h"
#include "agent/util/cleanup.h"

static struct cpc_dbc *load(const char *text)
{
	struct cpc_error error = {""};
	struct cpc_dbc *dbc = NULL;
	/* A copy of exactly this size, so that the sanitizer sees a read beyond it. */
	size_t size = strlen(text);
	CPC_FREE char *copy = malloc(size ? size : 1);
	int r;

	memcpy(copy, text, size);
	r = cpc_dbc_new(copy, size, &dbc, &error);
	ck_assert_msg(r == 0, "%d: %s", r, error.text);
	return dbc;
}

static void assert_refused(const char *text, int wanted, const char *part)
{
	struct cpc_dbc *dbc = NULL;
	struct cpc_error error = {""};

	ck_assert_int_eq(cpc_dbc_new(text, strlen(text), &dbc, &error), wanted);
	ck_assert_ptr_null(dbc);
	ck_assert_msg(strstr(error.text, part), "'%s' does not hold '%s'", error.text, part);
}

static const struct cpc_dbc_signal *find(const struct cpc_dbc *dbc, uint32_t id, const char *name)
{
	const struct cpc_dbc_message *message = cpc_dbc_message(dbc, id, false);

	ck_assert_ptr_nonnull(message);
	return cpc_dbc_signal_named(dbc, message, name);
}

static const char two_warnings[] = "BO_ 1 A: 2 X\n"
				   " SG_ Fits : 0|16@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Wide : 8|9@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Huge : 0|65@1+ (1,0) [0|0] \"\" X\n"
				   "BO_ 2 B: 8 X\n"
				   " SG_ Also : 0|8@1+ (1,0) [0|0] \"\" X\n";

START_TEST(new__signal_outside_its_message_is_left_out_with_a_warning)
{
	struct cpc_dbc *dbc = load(two_warnings);

	ck_assert_ptr_nonnull(find(dbc, 1, "Fits"));
	ck_assert_ptr_null(find(dbc, 1, "Wide"));
	ck_assert_ptr_null(find(dbc, 1, "Huge"));
	ck_assert_ptr_nonnull(find(dbc, 2, "Also"));
	ck_assert_uint_eq(dbc->warning_count, 2);
	ck_assert_uint_eq(dbc->warnings[0].line, 3);
	ck_assert_ptr_nonnull(strstr(dbc->warnings[0].text, "A.Wide"));
	ck_assert_ptr_nonnull(strstr(dbc->warnings[0].text, "message of 2"));
	ck_assert_uint_eq(dbc->warnings[1].line, 4);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(new__doubles_keep_the_first)
{
	struct cpc_dbc *dbc = load("BO_ 1 First: 1 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"a\" X\n"
				   " SG_ S : 0|4@1+ (1,0) [0|0] \"b\" X\n"
				   "BO_ 1 Second: 1 X\n SG_ T : 0|8@1+ (1,0) [0|0] \"\" X\n");

	ck_assert_str_eq(cpc_dbc_message(dbc, 1, false)->name, "First");
	ck_assert_str_eq(find(dbc, 1, "S")->unit, "a");
	ck_assert_uint_eq(dbc->warning_total, 2);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(new__sections_that_do_not_matter_are_skipped)
{
	/* Keywords, quotes and semicolons inside strings must not be taken for statements. */
	struct cpc_dbc *dbc = load(
		"\xef\xbb\xbf// a comment\r\nVERSION \"BO_ 9 ; \"\r\n\r\n"
		"NS_ : \r\n\tCM_\r\n\tBA_\r\n"
		"VAL_\r\nSG_MUL_VAL_\r\n\r\nBS_:\r\nBU_: A B\r\n  C D\r\n"
		"VAL_TABLE_ Onoff 1 \"on\" 0 \"off\" ;\r\n"
		"BO_ 2566834709 Long: 8 A\r\n"
		" SG_ Temp : 0|8@1- (0.5,-40) [-40|86] \"\xb0\x43\"  A,B\r\n\r\n"
		"BO_TX_BU_ 2566834709 : A,B;\r\n"
		"EV_ Env: 0 [0|1] \"\" 0 1 DUMMY_NODE_VECTOR0 Vector__XXX;\r\n"
		"CM_ BO_ 1 \"one;\r\nBO_ 7 Ghost: 8 A\r\n SG_ and \\\"two\\\"\";\r\n"
		"CM_ \"no semicolon\"\r\n"
		"BA_DEF_ BO_ \"Cycle\" INT 0 1000;\r\nBA_ \"Cycle\" BO_ 2566834709 100;\r\n"
		"SIG_GROUP_ 2566834709 Group 1 : Temp;\r\nVAL_ Env 1 \"on\" 0 \"off\" ;\r\n"
		"VAL_ 2566834709 Temp -80 \"broken\" 127 \"hot; very\" ;\r\n");
	const struct cpc_dbc_message *message;
	const struct cpc_dbc_signal *signal;

	ck_assert_uint_eq(dbc->message_count, 1);
	ck_assert_uint_eq(dbc->warning_total, 0);
	message = cpc_dbc_message(dbc, 2566834709u & 0x7fffffff, true);
	ck_assert_ptr_nonnull(message);
	ck_assert_ptr_null(cpc_dbc_message(dbc, 2566834709u & 0x7ff, false));
	signal = cpc_dbc_signal_named(dbc, message, "Temp");
	ck_assert_ptr_nonnull(signal);
	ck_assert_str_eq(signal->unit, "\xc2\xb0\x43"); /* Latin-1 degree sign, now UTF-8 */
	ck_assert_str_eq(cpc_dbc_label(dbc, signal, -80), "broken");
	ck_assert_str_eq(cpc_dbc_label(dbc, signal, 127), "hot; very");
	ck_assert_ptr_null(cpc_dbc_label(dbc, signal, 0));
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(new__utf8_units_stay_as_they_are)
{
	struct cpc_dbc *dbc =
		load("BO_ 1 A: 1 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"\xc2\xb0\x43\" X\n");

	ck_assert_str_eq(find(dbc, 1, "S")->unit, "\xc2\xb0\x43");
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(new__independent_signals_are_ignored)
{
	struct cpc_dbc *dbc = load("BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n"
				   " SG_ Lost m3 : 40|8@1+ (1,0) [0|0] \"\" Vector__XXX\n"
				   "BO_ 5 A: 8 X\n SG_ Lost : 8|8@1+ (1,0) [0|0] \"\" X\n"
				   "VAL_ 3221225472 Lost 0 \"x\" ;\n");

	ck_assert_uint_eq(dbc->message_count, 1);
	ck_assert_uint_eq(dbc->signal_count, 1);
	ck_assert_uint_eq(dbc->warning_total, 0);
	ck_assert_uint_eq(find(dbc, 5, "Lost")->start, 8);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(new__numbers_in_every_spelling)
{
	struct cpc_dbc *dbc = load("BO_ 1 A: 8 X\n"
				   " SG_ A:0|8@1+(1E-3,-1.5e+2)[-1.5E2|+1e3]\"\" X\n"
				   " SG_ B : 8|8@1- ( -0.5 , .25 ) [ 0 | 0 ] \"\"\n"
				   " SG_ C : 16|8@0+ (9.31322574615479E-10,0) [0|0] \"\"  X, Y");
	const struct cpc_dbc_signal *a = find(dbc, 1, "A"), *b = find(dbc, 1, "B");

	ck_assert_double_eq(a->factor, 0.001);
	ck_assert_double_eq(a->offset, -150);
	ck_assert_double_eq(a->min, -150);
	ck_assert_double_eq(a->max, 1000);
	ck_assert_double_eq(b->factor, -0.5);
	ck_assert_double_eq(b->offset, 0.25);
	ck_assert_double_eq(find(dbc, 1, "C")->factor, 9.31322574615479E-10);
	cpc_dbc_free(dbc);
}
END_TEST

static const struct {
	const char *text;
	const char *part;
} refusals[] = {
	{"", "no message (BO_)"},
	{"VERSION \"\"\n", "no message (BO_)"},
	{"hello world\n", "line 1: not a DBC statement at 'hello world'"},
	{"\n\n{\"json\": 1}\n", "line 3: not a DBC statement at '{\"json\""},
	{"SG_ S : 0|8@1+ (1,0) [0|0] \"\" X\n", "line 1: a signal before any message"},
	{"BO_ x A: 8 X\n", "line 1: expected a message id below 4294967296 at 'x A: 8 X'"},
	{"BO_ 4294967296 A: 8 X\n", "at '4294967296 A: 8 X'"},
	{"BO_ 1 A 8 X\n", "line 1: expected ':' and the message's size at '8 X'"},
	{"BO_ 1 A: eight X\n", "expected a message size in bytes at 'eight X'"},
	{"BO_ 1 A: 8 X\n SG_ S 0|8@1+ (1,0) [0|0] \"\" X\n", "line 2: expected ':' or a multip"},
	{"BO_ 1 A: 8 X\n SG_ S : 0/8@1+ (1,0) [0|0] \"\" X\n", "number of bits at '/8@1+"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@2+ (1,0) [0|0] \"\" X\n", "byte order of 0 or 1 at '2+"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1* (1,0) [0|0] \"\" X\n", "the sign, '+' or '-' at '*"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (one,0) [0|0] \"\" X\n", "a factor at 'one,0)"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1e999,0) [0|0] \"\" X\n", "a factor at '1e999"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] km X\n", "unit in double quotes at 'km X"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0]\n", "double quotes at the end of the line"},
	{"BO_ 1 A: 8 X\n SG_ S mM : 0|8@1+ (1,0) [0|0] \"\" X\n", "mark (M, m3, m3M) at 'mM :"},
	{"BO_ 1 A: 8 X\nCM_ \"never\nends", "line 2: a string that never ends at '\"never'"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"\" X\nVAL_ 1 S 0 zero ;", "line 3: expected"},
	{"BO_ 1 A: 8 X\n SG_ S : 0|8@1+ (1,0) [0|0] \"\" X\nSG_MUL_VAL_ 1 S S 3-1;", "line 3"},
};

START_TEST(new__refusal_names_line_and_text)
{
	assert_refused(refusals[_i].text, -EINVAL, refusals[_i].part);
}
END_TEST

START_TEST(new__limits_are_errors)
{
	CPC_FREE char *text = NULL;
	char name[CPC_DBC_NAME_MAX + 2];
	size_t size;
	FILE *file = open_memstream(&text, &size);

	for (unsigned int i = 0; i <= CPC_DBC_MESSAGES_MAX; i++)
		fprintf(file, "BO_ %u M%u: 8 X\n", 0x80000000u + i, i);
	fclose(file);
	assert_refused(text, -E2BIG, "line 8193: more than 8192 messages");
	free(text);

	file = open_memstream(&text, &size);
	fprintf(file, "BO_ 1 M: 8 X\n");
	for (unsigned int i = 0; i <= CPC_DBC_MESSAGE_SIGNALS_MAX; i++)
		fprintf(file, " SG_ S%u : 0|8@1+ (1,0) [0|0] \"\" X\n", i);
	fclose(file);
	assert_refused(text, -E2BIG, "more than 2048 signals in one message");
	free(text);

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	file = open_memstream(&text, &size);
	fprintf(file, "BO_ 1 %s: 8 X\n", name);
	fclose(file);
	assert_refused(text, -EINVAL, "line 1: a name of more than 128 bytes at 'nnnn");
	free(text);

	size = CPC_DBC_FILE_MAX + 1;
	text = calloc(1, size + 1);
	memset(text, '\n', size);
	assert_refused(text, -E2BIG, "16777217 bytes: a DBC file may have 16777216");
}
END_TEST

START_TEST(new__warnings_are_bounded_and_counted)
{
	CPC_FREE char *text = NULL;
	struct cpc_dbc *dbc;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	fprintf(file, "BO_ 1 M: 1 X\n");
	for (unsigned int i = 0; i < 1000; i++)
		fprintf(file, " SG_ S%u : 0|9@1+ (1,0) [0|0] \"\" X\n", i);
	fclose(file);
	dbc = load(text);
	ck_assert_uint_eq(dbc->warning_count, CPC_DBC_WARNINGS_MAX);
	ck_assert_uint_eq(dbc->warning_total, 1000);
	cpc_dbc_free(dbc);
}
END_TEST

/*
 * Frame 12 34 56 78 9A BC DE F0, that is
 *	0001_0010 0011_0100 0101_0110 0111_1000 1001_1010 1011_1100 1101_1110 1111_0000
 */
static const struct {
	const char *layout;
	const char *scale;
	double value;
} layouts[] = {
	{"0|8@1+", "(1,0)", 0x12},
	{"7|8@0+", "(1,0)", 0x12},
	{"0|16@1+", "(1,0)", 0x3412},
	{"7|16@0+", "(1,0)", 0x1234},
	{"4|8@1+", "(1,0)", 0x41}, /* high nibble of byte 0 below low nibble of byte 1 */
	{"3|8@0+", "(1,0)", 0x23}, /* low nibble of byte 0 above high nibble of byte 1 */
	{"3|12@0+", "(1,0)", 0x234},
	{"4|12@1+", "(1,0)", 0x341},
	{"0|64@1+", "(1,0)", 17356517385562371090.0}, /* 0xF0DEBC9A78563412 */
	{"7|64@0+", "(1,0)", 1311768467463790320.0},  /* 0x123456789ABCDEF0 */
	{"56|8@1-", "(1,0)", -16},		      /* 0xF0 */
	{"63|8@0-", "(1,0)", -16},
	{"39|8@0-", "(1,0)", -102}, /* 0x9A */
	{"32|8@1-", "(1,0)", -102},
	{"39|12@0-", "(1,0)", -1621}, /* 0x9AB */
	{"36|12@1-", "(1,0)", -1079}, /* 0xBC9 */
	{"63|1@1-", "(1,0)", -1},
	{"63|1@0-", "(1,0)", -1},
	{"63|1@0+", "(1,0)", 1},
	{"56|1@1+", "(1,0)", 0},
	{"2|3@0+", "(1,0)", 2},		  /* 010 */
	{"18|11@0-", "(0.5,0)", -196},	  /* 110 0111 1000 = 1656, minus 2048 */
	{"5|13@0+", "(1,0)", 2330},	  /* 01 0010 0011 010 */
	{"23|10@0+", "(0.5,0)", 172.5},	  /* 0101 0110 01 = 345 */
	{"8|8@1+", "(0.5,-40.5)", -14.5}, /* 52 */
	{"8|8@1+", "(-2,10)", -94},
};

START_TEST(read__bit_numbering_by_hand)
{
	static const uint8_t frame[8] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
	struct cpc_dbc_reading reading;
	struct cpc_dbc *dbc;
	char text[128];

	snprintf(text, sizeof(text), "BO_ 1 A: 8 X\n SG_ S : %s %s [0|0] \"\" X\n",
		 layouts[_i].layout, layouts[_i].scale);
	dbc = load(text);
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "S"), frame, 8, &reading), 0);
	ck_assert_double_eq(reading.value, layouts[_i].value);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(read__short_frame_gives_what_it_holds)
{
	struct cpc_dbc *dbc = load("BO_ 1 A: 8 X\n SG_ Early : 0|16@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Late : 23|10@0+ (1,0) [0|0] \"\" X\n");
	static const uint8_t frame[3] = {1, 2, 3};
	struct cpc_dbc_reading reading = {.value = -1};

	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "Late"), frame, 3, &reading), -ENODATA);
	ck_assert_double_eq(reading.value, -1); /* untouched */
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "Early"), frame, 2, &reading), 0);
	ck_assert_double_eq(reading.value, 513);
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "Early"), frame, 1, &reading), -ENODATA);
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "Early"), NULL, 0, &reading), -ENODATA);
	cpc_dbc_free(dbc);
}
END_TEST

static void count_reading(void *context, const struct cpc_dbc_signal *signal,
			  const struct cpc_dbc_reading *reading)
{
	char *names = context;

	(void)reading;
	strcat(names, signal->name);
	strcat(names, " ");
}

static void assert_decodes(const struct cpc_dbc *dbc, const uint8_t *data, size_t size,
			   const char *wanted)
{
	char names[256] = "";
	int count = cpc_dbc_decode(dbc, 1, false, data, size, count_reading, names);

	ck_assert_int_ge(count, 0);
	ck_assert_str_eq(names, wanted);
}

START_TEST(decode__simple_multiplexing)
{
	struct cpc_dbc *dbc = load("BO_ 1 A: 4 X\n SG_ Mux M : 0|4@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Zero m0 : 8|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Seven m7 : 8|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Always : 24|8@1+ (1,0) [0|0] \"\" X\n");

	assert_decodes(dbc, (const uint8_t[]){0xf0, 1, 0, 0}, 4, "Mux Zero Always ");
	assert_decodes(dbc, (const uint8_t[]){0xf7, 1, 0, 0}, 4, "Mux Seven Always ");
	assert_decodes(dbc, (const uint8_t[]){0xf3, 1, 0, 0}, 4, "Mux Always ");
	assert_decodes(dbc, (const uint8_t[]){0xf7, 1}, 2, "Mux Seven ");
	assert_decodes(dbc, NULL, 0, "");
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(decode__extended_multiplexing)
{
	struct cpc_dbc *dbc = load("BO_ 1 A: 4 X\n SG_ Outer M : 0|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Inner m1M : 8|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Deep m0 : 16|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Wide m0 : 24|8@1+ (1,0) [0|0] \"\" X\n"
				   "SG_MUL_VAL_ 1 Inner Outer 1-1;\n"
				   "SG_MUL_VAL_ 1 Deep Inner 3-5, 9-9;\n"
				   "SG_MUL_VAL_ 1 Wide Outer 0-1,\n 200-255;\n");

	ck_assert_uint_eq(dbc->warning_total, 0);
	assert_decodes(dbc, (const uint8_t[]){0, 4, 0, 0}, 4, "Outer Wide ");
	assert_decodes(dbc, (const uint8_t[]){1, 4, 0, 0}, 4, "Outer Inner Deep Wide ");
	assert_decodes(dbc, (const uint8_t[]){1, 9, 0, 0}, 4, "Outer Inner Deep Wide ");
	assert_decodes(dbc, (const uint8_t[]){1, 6, 0, 0}, 4, "Outer Inner Wide ");
	assert_decodes(dbc, (const uint8_t[]){2, 4, 0, 0}, 4, "Outer ");
	assert_decodes(dbc, (const uint8_t[]){210, 4, 0, 0}, 4, "Outer Wide ");
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(decode__unsound_multiplexing_is_left_out)
{
	/* No multiplexor; and two that select each other. Neither may hang or be decoded. */
	struct cpc_dbc *dbc = load("BO_ 1 A: 4 X\n SG_ Orphan m3 : 0|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ P m0M : 8|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Q m0M : 16|8@1+ (1,0) [0|0] \"\" X\n"
				   " SG_ Plain : 24|8@1+ (1,0) [0|0] \"\" X\n"
				   "SG_MUL_VAL_ 1 P Q 0-0;\nSG_MUL_VAL_ 1 Q P 0-0;\n");

	assert_decodes(dbc, (const uint8_t[]){0, 0, 0, 0}, 4, "Plain ");
	ck_assert_uint_eq(dbc->warning_total, 3);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(decode__unknown_id)
{
	struct cpc_dbc *dbc = load(two_warnings);
	char names[8] = "";

	ck_assert_int_eq(cpc_dbc_decode(dbc, 3, false, NULL, 0, count_reading, names), -ENOENT);
	ck_assert_int_eq(cpc_dbc_decode(dbc, 1, true, NULL, 0, count_reading, names), -ENOENT);
	cpc_dbc_free(dbc);
}
END_TEST

START_TEST(read__floats)
{
	struct cpc_dbc *dbc = load("BO_ 1 A: 16 X\n SG_ F : 7|32@0- (2,0) [0|0] \"\" X\n"
				   " SG_ D : 64|64@1- (1,0) [0|0] \"\" X\n"
				   " SG_ Odd : 32|16@1- (1,0) [0|0] \"\" X\n"
				   "SIG_VALTYPE_ 1 F : 1;\nSIG_VALTYPE_ 1 D : 2;\n"
				   "SIG_VALTYPE_ 1 Odd : 1;\n");
	/* -118.625 is C2 ED 40 00 as a float; 0.5 is 3F E0 00.. as a double. */
	uint8_t frame[16] = {0xc2, 0xed, 0x40, 0x00, [14] = 0xe0, 0x3f};
	struct cpc_dbc_reading reading;

	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "F"), frame, 16, &reading), 0);
	ck_assert_double_eq(reading.value, -237.25);
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "D"), frame, 16, &reading), 0);
	ck_assert_double_eq(reading.value, 0.5);
	ck_assert_ptr_null(find(dbc, 1, "Odd"));
	memset(frame, 0xff, 4); /* not a number */
	ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "F"), frame, 16, &reading), -ERANGE);
	cpc_dbc_free(dbc);
}
END_TEST

/* Set bit by bit, by the definition: Intel climbs, Motorola descends and then jumps up 15. */
static void put_bits(uint8_t *data, unsigned int start, unsigned int bits, bool big, uint64_t raw)
{
	unsigned int at = start;

	for (unsigned int i = 0; i < bits; i++) {
		bool bit = raw >> (big ? bits - 1 - i : i) & 1;

		data[at / 8] =
			(uint8_t)((data[at / 8] & ~(1u << at % 8)) | (unsigned)bit << at % 8);
		at = !big ? at + 1 : at % 8 == 0 ? at + 15 : at - 1;
	}
}

static bool fits(unsigned int start, unsigned int bits, bool big, unsigned int size)
{
	unsigned int left = big ? 8 * (start / 8) + 7 - start % 8 : start;

	return left + bits <= 8 * size;
}

START_TEST(read__random_signals_round_trip)
{
	unsigned int seed = 1, tried = 0;

	while (tried < 2000) {
		unsigned int size = 1 + (unsigned int)rand_r(&seed) % 64;
		unsigned int start = (unsigned int)rand_r(&seed) % (8 * size);
		unsigned int bits = 1 + (unsigned int)rand_r(&seed) % 64;
		bool big = rand_r(&seed) & 1, is_signed = rand_r(&seed) & 1;
		uint64_t raw = (uint64_t)rand_r(&seed) << 42 ^ (uint64_t)rand_r(&seed) << 21 ^
			       (uint64_t)rand_r(&seed);
		struct cpc_dbc_reading reading;
		struct cpc_dbc *dbc;
		uint8_t frame[64];
		int64_t wanted;
		char text[128];

		if (!fits(start, bits, big, size))
			continue;
		tried++;
		raw &= UINT64_MAX >> (64 - bits);
		wanted = (int64_t)raw;
		if (is_signed && raw >> (bits - 1) & 1)
			wanted = (int64_t)(raw | ~(UINT64_MAX >> (64 - bits)));
		snprintf(text, sizeof(text), "BO_ 1 A: %u X\n SG_ S : %u|%u@%d%c (1,0) [0|0] \"\"",
			 size, start, bits, !big, is_signed ? '-' : '+');
		dbc = load(text);
		memset(frame, rand_r(&seed), sizeof(frame));
		put_bits(frame, start, bits, big, raw);
		ck_assert_int_eq(cpc_dbc_read(dbc, find(dbc, 1, "S"), frame, size, &reading), 0);
		ck_assert_msg(reading.raw == wanted, "%s", text);
		cpc_dbc_free(dbc);
	}
}
END_TEST

START_TEST(message__found_among_many)
{
	CPC_FREE char *text = NULL;
	struct cpc_dbc *dbc;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	/* Standard and extended ids of the same number are different messages. */
	for (unsigned int i = 0; i < 2000; i++)
		fprintf(file, "BO_ %u M%u: 8 X\n", (i * 37 % 2000) | (i & 1 ? 0x80000000u : 0), i);
	fclose(file);
	dbc = load(text);
	for (unsigned int i = 0; i < 2000; i++) {
		const struct cpc_dbc_message *message = cpc_dbc_message(dbc, i * 37 % 2000, i & 1);
		char name[16];

		snprintf(name, sizeof(name), "M%u", i);
		ck_assert_ptr_nonnull(message);
		ck_assert_str_eq(message->name, name);
		ck_assert_ptr_null(cpc_dbc_message(dbc, i * 37 % 2000, !(i & 1)));
		ck_assert_ptr_eq(cpc_dbc_message_named(dbc, name), message);
	}
	cpc_dbc_free(dbc);
}
END_TEST

static Suite *dbc_suite(void)
{
	Suite *suite = suite_create("dbc");
	TCase *tests = tcase_create("dbc");

	tcase_add_test(tests, new__signal_outside_its_message_is_left_out_with_a_warning);
	tcase_add_test(tests, new__doubles_keep_the_first);
	tcase_add_test(tests, new__sections_that_do_not_matter_are_skipped);
	tcase_add_test(tests, new__utf8_units_stay_as_they_are);
	tcase_add_test(tests, new__independent_signals_are_ignored);
	tcase_add_test(tests, new__numbers_in_every_spelling);
	tcase_add_loop_test(tests, new__refusal_names_line_and_text, 0,
			    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tests, new__limits_are_errors);
	tcase_add_test(tests, new__warnings_are_bounded_and_counted);
	tcase_add_test(tests, message__found_among_many);
	tcase_add_loop_test(tests, read__bit_numbering_by_hand, 0,
			    sizeof(layouts) / sizeof(layouts[0]));
	tcase_add_test(tests, read__short_frame_gives_what_it_holds);
	tcase_add_test(tests, read__floats);
	tcase_add_test(tests, read__random_signals_round_trip);
	tcase_add_test(tests, decode__simple_multiplexing);
	tcase_add_test(tests, decode__extended_multiplexing);
	tcase_add_test(tests, decode__unsound_multiplexing_is_left_out);
	tcase_add_test(tests, decode__unknown_id);
	suite_add_tcase(suite, tests);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(dbc_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
