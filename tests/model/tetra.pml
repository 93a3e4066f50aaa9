/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tetra.pml - the voting rules of one slot as a finite model for spin: n = 4, f = 1, two values,
 * three views (0, 1, 2).
 *
 *   three correct members: what they voted, in every view        (the state vector)
 *   one faulty member: no state at all; wherever its word counts, it says what helps the attack,
 *                      to each receiver something else if need be
 *
 * A correct member acts on states of others that may be old, and what it can read from a state is:
 * the votes of the view the sender was in, and the frozen part as of entering that view. Votes are
 * facts that stay true, so "may have seen" is a question about the history, which is what is kept
 * here; the frozen part is derived from it, as cpc_state_enter() does. Where a receiver could hold
 * different states of one sender, every one of them is tried, and mixed: the model allows more than
 * the protocol does, so what it proves holds for the protocol.
 *
 * Leaders are not in the model: any value that is safe to vote may be voted, as if every leader
 * proposed everything to everyone.
 *
 * Checked:
 *   agreement    no two values can be decided, counting the faulty member's vote for both
 *   progress     with the correct members together in the last view and the faulty one silent, some
 *                value is offered to the leader (phases 3, 2) and acceptable to all (phases 4, 1),
 *                and at most one other candidate is offered that is not
 *   consent      (-DCONDITIONAL) value 1 is an entry that needs everybody's yes, and is decided only
 *                if no correct member refused it
 *
 * -DSLOW       five message delays in view 0 too, as in the paper
 * -DBUG_FROZEN the planted bug: the frozen part is not there. spin must find two decisions.
 * -DVIEWS=2    a smaller bound
 *
 * Members are alike, so each state is stored with its members in order (six times fewer).
 */
#ifndef VIEWS
#define VIEWS 3
#endif

byte votes[9];		/* by member * 3 + view: 2 bits per phase, 0 none, else the value 1 or 2 */
byte view[3];
byte been[3];		/* bit per view the member was in */
byte word[3];		/* on the conditional entry: 0 none yet, 1 yes, 2 no */

c_decl {
enum { CORRECT = 3, QUORUM = 3, BLOCKING = 2, NEVER = -1, PHASE1 = 0, PHASE2, PHASE3, PHASE4 };
}

c_code {
static int vote(int m, int r, int phase)
{
	return now.votes[m * 3 + r] >> 2 * phase & 3;
}

/* The highest vote of @phase before view @r: its view, or NEVER. */
static int high(int m, int phase, int r)
{
#ifndef BUG_FROZEN
	while (--r >= 0)
		if (vote(m, r, phase))
			return r;
#endif
	return NEVER;
}

/* The highest for another value than that. */
static int second(int m, int phase, int r)
{
	int top = high(m, phase, r), value = top == NEVER ? 0 : vote(m, top, phase);

	for (r = top; r > 0;)
		if (vote(m, --r, phase) && vote(m, r, phase) != value)
			return r;
	return NEVER;
}

/* Does a state that @m showed in view @in claim @value safe at @at? */
static int claims(int m, int in, int phase, int at, int value)
{
	int top = high(m, phase, in);

	return at == 0 || (top >= at && vote(m, top, phase) == value) || second(m, phase, in) >= at;
}

static int claims_ever(int m, int r, int phase, int at, int value)
{
	int in;

	for (in = r; in <= now.view[m]; in++)
		if (now.been[m] & 1 << in && claims(m, in, phase, at, value))
			return 1;
	return 0;
}

/* cpc_safe(): @faulty is 1 if the faulty member helps, 0 if it is silent. */
static int safe(int r, int a, int b, int value, int faulty)
{
	int m, at, none = faulty, fits, claim;

	if (r == 0)
		return 1;
	for (m = 0; m < CORRECT; m++)
		none += now.view[m] >= r && high(m, a, r) == NEVER;
	if (none >= QUORUM)
		return 1;
	for (at = 0; at < r; at++) {
		fits = claim = faulty;
		for (m = 0; m < CORRECT; m++) {
			int top = high(m, a, r);

			if (now.view[m] < r)
				continue;
			fits += top < at || (top == at && vote(m, top, a) == value);
			claim += claims_ever(m, r, b, at, value);
		}
		if (fits >= QUORUM && claim >= BLOCKING)
			return 1;
	}
	return 0;
}

static int count(int r, int phase, int value)
{
	int m, n = 0;

	for (m = 0; m < CORRECT; m++)
		n += vote(m, r, phase) == value;
	return n;
}

/* The cut is acceptable: everybody's yes has been heard, or f+1 voted for it already. */
static int acceptable(int value)
{
#ifdef CONDITIONAL
	int m, r, vouch;

	if (value != 1)
		return 1;
	if (now.word[0] == 1 && now.word[1] == 1 && now.word[2] == 1)
		return 1;
	for (m = 0, vouch = 1; m < CORRECT; m++)
		for (r = 0; r < VIEWS; r++)
			if (vote(m, r, PHASE1) == value) {
				vouch++;
				break;
			}
	return vouch >= BLOCKING;
#else
	return 1;
#endif
}

static int may_vote(int m, int phase, int value)
{
	int r = now.view[m];

	if (vote(m, r, phase))
		return 0;
	if (phase == PHASE1)
		return safe(r, PHASE4, PHASE1, value, 1) && acceptable(value);
#ifndef SLOW
	if (r == 0)
		return 0;
#endif
	return count(r, phase - 1, value) + 1 >= QUORUM;
}

/* The fast first view: the quorum of phase 1 that allows phase 2 allows 3 and 4 as well. */
static int may_vote_rest(int m, int value)
{
	return now.view[m] == 0 && !vote(m, 0, PHASE2) && count(0, PHASE1, value) + 1 >= QUORUM;
}

static int may_enter(int m, int r)
{
	return now.view[m] < r;
}

static int may_say(int m)
{
	return now.word[m] == 0;
}

static int decided(int value)
{
	int r;

	for (r = 0; r < VIEWS; r++)
		if (count(r, PHASE4, value) + 1 >= QUORUM)
			return 1;
	return 0;
}

static int agreement(void)
{
	return !(decided(1) && decided(2));
}

static int progress(void)
{
	int m, value, offered, good = 0, wrong = 0, last = VIEWS - 1;

	for (m = 0; m < CORRECT; m++)
		if (now.view[m] != last || now.votes[m * 3 + last])
			return 1;
	for (value = 1; value <= 2; value++) {
		offered = safe(last, PHASE3, PHASE2, value, 0);
		good += offered && safe(last, PHASE4, PHASE1, value, 0);
		wrong += offered && !safe(last, PHASE4, PHASE1, value, 0);
	}
	return good >= 1 && wrong <= 1;
}

static int consent(void)
{
	return !decided(1) || !(now.word[0] == 2 || now.word[1] == 2 || now.word[2] == 2);
}

/* spin refuses a call as a whole c_expr, or one without an argument. */
static int lacks_agreement(int unused)
{
	return !agreement();
}

static int lacks_progress(int unused)
{
	return !progress();
}

static int lacks_consent(int unused)
{
	return !consent();
}

static unsigned rank(int m)
{
	return now.votes[m * 3] | now.votes[m * 3 + 1] << 8 | now.votes[m * 3 + 2] << 16 |
	       (unsigned)now.view[m] << 24 | (unsigned)now.been[m] << 26 |
	       (unsigned)now.word[m] << 29;
}

static void swap(unsigned char *a, unsigned char *b)
{
	unsigned char c = *a;

	*a = *b;
	*b = c;
}

static void order(int a, int b)
{
	int r;

	if (rank(a) <= rank(b))
		return;
	for (r = 0; r < 3; r++)
		swap(&now.votes[a * 3 + r], &now.votes[b * 3 + r]);
	swap(&now.view[a], &now.view[b]);
	swap(&now.been[a], &now.been[b]);
	swap(&now.word[a], &now.word[b]);
}

#ifndef CONDITIONAL
/* The two values are alike, too: the first one that occurs is called 1. */
static void rename_values(void)
{
	int i;

	for (i = 0; i < 9 && !now.votes[i]; i++)
		;
	if (i == 9 || now.votes[i] & -now.votes[i] & 0x55)
		return;
	for (i = 0; i < 9; i++)
		now.votes[i] = (now.votes[i] & 0x55) << 1 | (now.votes[i] & 0xaa) >> 1;
}
#endif

static void sorted(void)
{
	order(0, 1);
	order(1, 2);
	order(0, 1);
#ifndef CONDITIONAL
	rename_values();
#endif
}
}

#define VOTE(m, phase, value) \
	:: c_expr { (may_vote(m, phase, value)) } -> \
	   c_code { now.votes[m * 3 + now.view[m]] |= value << 2 * phase; sorted(); }
#define VOTES(m, phase) VOTE(m, phase, 1) VOTE(m, phase, 2)
#define VOTE_REST(m, value) \
	:: c_expr { (may_vote_rest(m, value)) } -> \
	   c_code { now.votes[m * 3] |= value * 0x54; sorted(); }
#define ENTER(m, r) \
	:: c_expr { (may_enter(m, r)) } -> \
	   c_code { now.view[m] = r; now.been[m] |= 1 << r; sorted(); }
#define SAY(m) \
	:: c_expr { (may_say(m)) } -> c_code { now.word[m] = 1; sorted(); } \
	:: c_expr { (may_say(m)) } -> c_code { now.word[m] = 2; sorted(); }
#define MEMBER(m) VOTES(m, PHASE1) VOTES(m, PHASE2) VOTES(m, PHASE3) VOTES(m, PHASE4) ENTER(m, 1)

active proctype cell()
{
	c_code { now.been[0] = now.been[1] = now.been[2] = 1; };
end:	do
	:: c_expr { (lacks_agreement(0)) } -> assert(false)
	:: c_expr { (lacks_progress(0)) } -> assert(false)
#ifdef CONDITIONAL
	:: c_expr { (lacks_consent(0)) } -> assert(false)
	SAY(0) SAY(1) SAY(2)
#endif
	MEMBER(0) MEMBER(1) MEMBER(2)
#ifndef SLOW
	VOTE_REST(0, 1) VOTE_REST(0, 2) VOTE_REST(1, 1) VOTE_REST(1, 2) VOTE_REST(2, 1)
	VOTE_REST(2, 2)
#endif
#if VIEWS > 2
	ENTER(0, 2) ENTER(1, 2) ENTER(2, 2)
#endif
	od
}
