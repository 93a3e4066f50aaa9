// SPDX-License-Identifier: BSD-3-Clause
/* Does a formula mean what a reader of it expects, and is everything else refused by name? */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/gateway/expr.h"

static struct cpc_expr *parse(const char *text)
{
	struct cpc_error error = {""};
	struct cpc_expr *expr = NULL;
	int r = cpc_expr_new(text, &expr, &error);

	ck_assert_msg(r == 0, "%s", error.text);
	return expr;
}

static const struct {
	const char *text;
	double x, value;
} values[] = {
	{"x", 7, 7},
	{"floor((x*40)-100)", 2, -20},
	{"floor(x+0.5)", 2.5, 3},
	{"1 + 2 * 3", 0, 7},
	{"(1 + 2) * 3", 0, 9},
	{"10 - 4 - 3", 0, 3},
	{"100 / 10 / 2", 0, 5},
	{"-x + 1", 5, -4},
	{"--x", 5, 5},
	{"2 * -x", 5, -10},
	{"x % 3", 7, 1},
	{"x % 3", -1, 2},
	{"ceil(x)", 1.1, 2},
	{"round(x)", -2.5, -3},
	{"abs(x)", -2.5, 2.5},
	{"min(x, 3)", 5, 3},
	{"max(1, x, 3)", 2, 3},
	{"min(100, max(0, x / 1.5))", 300, 100},
	{"1e2 + .5", 0, 100.5},
};

START_TEST(evaluate__value)
{
	struct cpc_expr *expr = parse(values[_i].text);
	double value;

	ck_assert_int_eq(cpc_expr_evaluate(expr, values[_i].x, &value), 0);
	ck_assert_double_eq(value, values[_i].value);
	cpc_expr_free(expr);
}
END_TEST

START_TEST(evaluate__no_result)
{
	static const char *const texts[] = {"1 / x", "x % 0", "min(1, 1 / x)", "1e308 * 10 + x"};
	struct cpc_expr *expr = parse(texts[_i]);
	double value = 5;

	ck_assert_int_eq(cpc_expr_evaluate(expr, 0, &value), -ERANGE);
	ck_assert_double_eq(value, 5);
	cpc_expr_free(expr);
}
END_TEST

static const struct {
	const char *text, *part;
} refusals[] = {
	{"", "at the end"},
	{"x +", "at the end"},
	{"x x", "expected an operator at 'x'"},
	{"(x", "expected ')' at the end"},
	{"system(x)", "unknown name at 'system(x)'"},
	{"y * 2", "unknown name at 'y * 2'"},
	{"x ^ 2", "expected an operator at '^ 2'"},
	{"floor x", "expected '('"},
	{"floor(x, 1)", "one argument"},
	{"min(x)", "two or more"},
	{"0x10", "decimal number at '0x10'"},
	{"1e999", "finite number"},
	{"x; 1", "expected an operator at '; 1'"},
};

START_TEST(new__refusal_names_the_text)
{
	struct cpc_error error = {""};
	struct cpc_expr *expr = NULL;

	ck_assert_int_eq(cpc_expr_new(refusals[_i].text, &expr, &error), -EINVAL);
	ck_assert_ptr_null(expr);
	ck_assert_msg(strstr(error.text, refusals[_i].part), "%s", error.text);
}
END_TEST

START_TEST(new__limits)
{
	char text[CPC_EXPR_TEXT_MAX + 2];
	struct cpc_expr *expr = NULL;
	struct cpc_error error;

	memset(text, '(', 100);
	strcpy(text + 100, "x");
	ck_assert_int_eq(cpc_expr_new(text, &expr, &error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "32 parentheses"));
	strcpy(text, "x");
	for (int i = 0; i < 150; i++)
		strcat(text, "+x");
	ck_assert_int_eq(cpc_expr_new(text, &expr, &error), -E2BIG);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(cpc_expr_new(text, &expr, &error), -E2BIG);
}
END_TEST

static const struct {
	const char *text;
	bool linear;
	double slope, intercept;
} lines[] = {
	{"x", true, 1, 0},
	{"x * 0.01", true, 0.01, 0},
	{"(x - 32) * 5 / 9", true, 5.0 / 9, -160.0 / 9},
	{"3 - (x + 1) * min(2, 4)", true, -2, 1},
	{"-x / -4", true, 0.25, 0},
	{"floor(x)", false, 0, 0},
	{"x * x", false, 0, 0},
	{"1 / x", false, 0, 0},
	{"x - x", false, 0, 0},
	{"x / 0", false, 0, 0},
	{"max(x, 0)", false, 0, 0},
	{"5", false, 0, 0},
};

START_TEST(is_linear__agrees_with_evaluation)
{
	struct cpc_expr *expr = parse(lines[_i].text);
	double slope = 0, intercept = 0, value;

	ck_assert(cpc_expr_is_linear(expr, &slope, &intercept) == lines[_i].linear);
	if (lines[_i].linear) {
		ck_assert_double_eq_tol(slope, lines[_i].slope, 1e-12);
		ck_assert_double_eq_tol(intercept, lines[_i].intercept, 1e-12);
		ck_assert_int_eq(cpc_expr_evaluate(expr, 123, &value), 0);
		ck_assert_double_eq_tol(value, slope * 123 + intercept, 1e-9);
	}
	cpc_expr_free(expr);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
	Suite *suite = suite_create("expr");
	TCase *tests = tcase_create("expr");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tests, new__refusal_names_the_text, 0, COUNT(refusals));
	tcase_add_test(tests, new__limits);
	tcase_add_loop_test(tests, evaluate__value, 0, COUNT(values));
	tcase_add_loop_test(tests, evaluate__no_result, 0, 4);
	tcase_add_loop_test(tests, is_linear__agrees_with_evaluation, 0, COUNT(lines));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
