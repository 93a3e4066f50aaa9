/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CPC_AGENT_GATEWAY_EXPR_H
#define CPC_AGENT_GATEWAY_EXPR_H

/*
 * Formulas of one variable, as an overlay's `math` has them: "floor((x*40)-100)". Numbers, x,
 * + - * / % and parentheses, floor ceil round abs of one argument, min and max of two or more.
 * `%` takes the sign of the divisor; round() takes halves away from zero. Nothing else is
 * reachable from a formula: no names, no loops, no memory beyond CPC_EXPR_NODES_MAX numbers.
 */
#include <stdbool.h>

#include "agent/gateway/limits.h"
#include "agent/util/error.h"

struct cpc_expr;

/* -EINVAL, -E2BIG or -ENOMEM; `error` names the place and the offending text. */
int cpc_expr_new(const char *text, struct cpc_expr **ret_expr, struct cpc_error *error);
void cpc_expr_free(struct cpc_expr *expr);

/* -ERANGE if the result is not a finite number, as after a division by zero. */
int cpc_expr_evaluate(const struct cpc_expr *expr, double x, double *ret_result);

/* Is it x * slope + intercept, slope not 0? Then value steps survive it exactly. */
bool cpc_expr_is_linear(const struct cpc_expr *expr, double *ret_slope, double *ret_intercept);

#endif
