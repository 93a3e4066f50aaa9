// SPDX-License-Identifier: BSD-3-Clause
/*
 * Recursive descent into a program for a stack machine:
 *
 *	sum     = product { ("+" | "-") product }
 *	product = unary { ("*" | "/" | "%") unary }
 *	unary   = { "-" | "+" } atom
 *	atom    = number | "x" | "(" sum ")" | function "(" sum { "," sum } ")"
 *
 * so that "x * 0.01 + 2" becomes  X  0.01  MUL  2  ADD.  Each operation takes its arguments from
 * the stack and leaves one number; the program of a complete formula leaves exactly one.
 */
#include "agent/gateway/expr.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/util/cleanup.h"

enum op {
	OP_NUMBER,
	OP_X,
	OP_NEGATE,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	OP_FLOOR,
	OP_CEIL,
	OP_ROUND,
	OP_ABS,
	OP_MIN,
	OP_MAX,
};

struct node {
	enum op op;
	double number;
};

struct cpc_expr {
	unsigned int count;
	struct node nodes[];
};

struct parser {
	const char *text;
	const char *at;
	struct cpc_error *error;
	unsigned int depth, count;
	struct node nodes[CPC_EXPR_NODES_MAX];
};

static int parse_sum(struct parser *parser);

static int refuse(struct parser *parser, const char *what)
{
	if (*parser->at)
		cpc_error_set(parser->error, "'%.100s': %s at '%.20s'", parser->text, what,
			      parser->at);
	else
		cpc_error_set(parser->error, "'%.100s': %s at the end", parser->text, what);
	return -EINVAL;
}

static int emit(struct parser *parser, enum op op, double number)
{
	if (parser->count == CPC_EXPR_NODES_MAX) {
		cpc_error_set(parser->error, "'%.40s...': a formula of more than %u parts",
			      parser->text, (unsigned int)CPC_EXPR_NODES_MAX);
		return -E2BIG;
	}
	parser->nodes[parser->count++] = (struct node){.op = op, .number = number};
	return 0;
}

static bool accept(struct parser *parser, char wanted)
{
	while (*parser->at == ' ')
		parser->at++;
	if (*parser->at != wanted)
		return false;
	parser->at++;
	return true;
}

static int parse_number(struct parser *parser)
{
	char *end;
	double number;

	/* strtod also knows hexadecimal and names; a decimal digit or point must begin it. */
	if (parser->at[0] == '0' && (parser->at[1] == 'x' || parser->at[1] == 'X'))
		return refuse(parser, "expected a decimal number");
	number = strtod(parser->at, &end);
	if (end == parser->at || !isfinite(number))
		return refuse(parser, "expected a finite number");
	parser->at = end;
	return emit(parser, OP_NUMBER, number);
}

/* The arguments of a function, up to and including ")". */
static int parse_arguments(struct parser *parser, enum op op, bool several)
{
	unsigned int count = 0;
	int r;

	if (!accept(parser, '('))
		return refuse(parser, "expected '('");
	do {
		r = parse_sum(parser);
		if (r == 0 && ++count > 1 && several)
			r = emit(parser, op, 0);
		if (r < 0)
			return r;
	} while (accept(parser, ','));
	if (!accept(parser, ')'))
		return refuse(parser, "expected ')'");
	if (several ? count < 2 : count != 1)
		return refuse(parser, several ? "expected two or more arguments before"
					      : "expected one argument before");
	return several ? 0 : emit(parser, op, 0);
}

static int parse_name(struct parser *parser)
{
	static const struct {
		const char *name;
		enum op op;
		bool several;
	} functions[] = {
		{"floor", OP_FLOOR, false}, {"ceil", OP_CEIL, false}, {"round", OP_ROUND, false},
		{"abs", OP_ABS, false},	    {"min", OP_MIN, true},    {"max", OP_MAX, true},
	};
	size_t size = 0;

	while (isalnum((unsigned char)parser->at[size]) || parser->at[size] == '_')
		size++;
	if (size == 1 && *parser->at == 'x') {
		parser->at++;
		return emit(parser, OP_X, 0);
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (strlen(functions[i].name) != size ||
		    memcmp(functions[i].name, parser->at, size) != 0)
			continue;
		parser->at += size;
		return parse_arguments(parser, functions[i].op, functions[i].several);
	}
	return refuse(parser, "unknown name");
}

static int parse_atom(struct parser *parser)
{
	int r;

	if (isdigit((unsigned char)*parser->at) || *parser->at == '.')
		return parse_number(parser);
	if (isalpha((unsigned char)*parser->at))
		return parse_name(parser);
	if (!accept(parser, '('))
		return refuse(parser, "expected a number, x, a function or '('");
	r = parse_sum(parser);
	if (r < 0)
		return r;
	return accept(parser, ')') ? 0 : refuse(parser, "expected ')'");
}

static int parse_unary(struct parser *parser)
{
	bool negative = false;
	int r;

	for (;;) {
		if (accept(parser, '-'))
			negative = !negative;
		else if (!accept(parser, '+'))
			break;
	}
	r = parse_atom(parser);
	return r == 0 && negative ? emit(parser, OP_NEGATE, 0) : r;
}

static int parse_product(struct parser *parser)
{
	int r = parse_unary(parser);

	while (r == 0) {
		enum op op = accept(parser, '*')   ? OP_MULTIPLY
			     : accept(parser, '/') ? OP_DIVIDE
			     : accept(parser, '%') ? OP_MODULO
						   : OP_X;

		if (op == OP_X)
			break;
		r = parse_unary(parser);
		if (r == 0)
			r = emit(parser, op, 0);
	}
	return r;
}

static int parse_sum(struct parser *parser)
{
	int r;

	if (++parser->depth > CPC_EXPR_DEPTH_MAX)
		return refuse(parser, "more than 32 parentheses in one another");
	r = parse_product(parser);
	while (r == 0) {
		enum op op = accept(parser, '+')   ? OP_ADD
			     : accept(parser, '-') ? OP_SUBTRACT
						   : OP_X;

		if (op == OP_X)
			break;
		r = parse_product(parser);
		if (r == 0)
			r = emit(parser, op, 0);
	}
	parser->depth--;
	return r;
}

int cpc_expr_new(const char *text, struct cpc_expr **ret_expr, struct cpc_error *error)
{
	struct parser parser = {.text = text, .at = text, .error = error};
	struct cpc_expr *expr;
	int r;

	if (strlen(text) > CPC_EXPR_TEXT_MAX) {
		cpc_error_set(error, "'%.40s...': a formula of more than %u bytes", text,
			      (unsigned int)CPC_EXPR_TEXT_MAX);
		return -E2BIG;
	}
	r = parse_sum(&parser);
	if (r < 0)
		return r;
	if (!accept(&parser, '\0'))
		return refuse(&parser, "expected an operator");
	expr = malloc(sizeof(*expr) + parser.count * sizeof(expr->nodes[0]));
	if (!expr) {
		cpc_error_set(error, "out of memory");
		return -ENOMEM;
	}
	expr->count = parser.count;
	memcpy(expr->nodes, parser.nodes, parser.count * sizeof(expr->nodes[0]));
	*ret_expr = expr;
	return 0;
}

void cpc_expr_free(struct cpc_expr *expr)
{
	free(expr);
}

static bool is_binary(enum op op)
{
	return (op >= OP_ADD && op <= OP_MODULO) || op == OP_MIN || op == OP_MAX;
}

static double apply(enum op op, double left, double right)
{
	switch (op) {
	case OP_NUMBER:
	case OP_X:
		break;
	case OP_NEGATE:
		return -left;
	case OP_ADD:
		return left + right;
	case OP_SUBTRACT:
		return left - right;
	case OP_MULTIPLY:
		return left * right;
	case OP_DIVIDE:
		return right == 0 ? NAN : left / right;
	case OP_MODULO:
		return right == 0 ? NAN : left - floor(left / right) * right;
	case OP_FLOOR:
		return floor(left);
	case OP_CEIL:
		return ceil(left);
	case OP_ROUND:
		return round(left);
	case OP_ABS:
		return fabs(left);
	case OP_MIN:
		return left < right ? left : right;
	case OP_MAX:
		return left > right ? left : right;
	}
	return NAN;
}

int cpc_expr_evaluate(const struct cpc_expr *expr, double x, double *ret_result)
{
	double stack[CPC_EXPR_NODES_MAX];
	unsigned int top = 0;

	for (unsigned int i = 0; i < expr->count; i++) {
		const struct node *node = &expr->nodes[i];

		if (node->op == OP_NUMBER) {
			stack[top++] = node->number;
		} else if (node->op == OP_X) {
			stack[top++] = x;
		} else if (is_binary(node->op)) {
			assert(top >= 2);
			top--;
			stack[top - 1] = apply(node->op, stack[top - 1], stack[top]);
		} else {
			assert(top >= 1);
			stack[top - 1] = apply(node->op, stack[top - 1], 0);
		}
		/* min() and max() would hide it from the check at the end. */
		if (!isfinite(stack[top - 1]))
			return -ERANGE;
	}
	assert(top == 1);
	*ret_result = stack[0];
	return 0;
}

/* slope * x + intercept */
struct line {
	double slope, intercept;
};

static bool apply_line(enum op op, struct line *left, const struct line *right)
{
	bool constant = left->slope == 0 && (!is_binary(op) || right->slope == 0);

	if (constant) {
		left->intercept = apply(op, left->intercept, is_binary(op) ? right->intercept : 0);
		return true;
	}
	if (op == OP_NEGATE) {
		*left = (struct line){-left->slope, -left->intercept};
	} else if (op == OP_ADD) {
		left->slope += right->slope;
		left->intercept += right->intercept;
	} else if (op == OP_SUBTRACT) {
		left->slope -= right->slope;
		left->intercept -= right->intercept;
	} else if (op == OP_MULTIPLY && (left->slope == 0 || right->slope == 0)) {
		const struct line *line = left->slope == 0 ? right : left;
		double by = left->slope == 0 ? left->intercept : right->intercept;

		*left = (struct line){line->slope * by, line->intercept * by};
	} else if (op == OP_DIVIDE && right->slope == 0 && right->intercept != 0) {
		left->slope /= right->intercept;
		left->intercept /= right->intercept;
	} else {
		return false;
	}
	return true;
}

bool cpc_expr_is_linear(const struct cpc_expr *expr, double *ret_slope, double *ret_intercept)
{
	struct line stack[CPC_EXPR_NODES_MAX];
	unsigned int top = 0;

	for (unsigned int i = 0; i < expr->count; i++) {
		const struct node *node = &expr->nodes[i];

		if (node->op == OP_NUMBER) {
			stack[top++] = (struct line){0, node->number};
		} else if (node->op == OP_X) {
			stack[top++] = (struct line){1, 0};
		} else {
			top -= is_binary(node->op);
			assert(top >= 1);
			if (!apply_line(node->op, &stack[top - 1], &stack[top]))
				return false;
		}
	}
	assert(top == 1);
	if (stack[0].slope == 0 || !isfinite(stack[0].slope) || !isfinite(stack[0].intercept))
		return false;
	*ret_slope = stack[0].slope;
	*ret_intercept = stack[0].intercept;
	return true;
}
