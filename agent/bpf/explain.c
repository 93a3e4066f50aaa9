// SPDX-License-Identifier: BSD-3-Clause
/* Why the kernel said no, in words that name what to do about it. Pure. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "agent/bpf/internal.h"

#define NO_PRIVILEGE \
	"no privilege: it takes CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, or root"

static const char *doing(enum cpc_bpf_stage stage)
{
	switch (stage) {
	case CPC_BPF_STAGE_OPEN:
		return "read the BPF object";
	case CPC_BPF_STAGE_LOAD:
		return "load";
	case CPC_BPF_STAGE_XDP:
		return "attach an XDP program to";
	case CPC_BPF_STAGE_TC:
		return "attach a TC program to";
	case CPC_BPF_STAGE_PIN:
		return "pin";
	case CPC_BPF_STAGE_MAP:
		return "use the map";
	}
	return "use";
}

/* The likely cause, or NULL when the errno's own text has to do. */
static const char *cause(enum cpc_bpf_stage stage, int err)
{
	switch (err) {
	case EPERM:
	case EACCES:
		if (stage == CPC_BPF_STAGE_LOAD && err == EACCES)
			return "the kernel's verifier refuses it";
		return NO_PRIVILEGE;
	case ENOSYS:
		return "this kernel has no bpf() system call";
	case EOPNOTSUPP:
		return stage == CPC_BPF_STAGE_XDP ? "its driver has no XDP of this kind" :
						    "this kernel lacks it";
	case ESRCH:
		return stage == CPC_BPF_STAGE_LOAD ? "this kernel has no BTF for it" : NULL;
	case EBUSY:
	case EEXIST:
		return stage == CPC_BPF_STAGE_XDP ? "another XDP program is there" : NULL;
	case EINVAL:
	case E2BIG:
		if (stage == CPC_BPF_STAGE_LOAD)
			return "the kernel's verifier refuses it";
		return stage == CPC_BPF_STAGE_TC ? "this kernel has no clsact (NET_SCH_INGRESS, "
						   "NET_CLS_BPF)" : NULL;
	case ENOENT:
		return stage == CPC_BPF_STAGE_TC ? "this kernel has no clsact (NET_SCH_INGRESS, "
						   "NET_CLS_BPF)" : NULL;
	case ENODEV:
		return "no such interface";
	default:
		return NULL;
	}
}

int cpc_bpf_explain(enum cpc_bpf_stage stage, const char *what, int r, const char *gist,
		    struct cpc_error *error)
{
	int err = r < 0 ? -r : r;
	const char *why;
	char text[96];

	/* libbpf's own codes start where no errno is; all say that the object is no good. */
	if (err >= __LIBBPF_ERRNO__START) {
		libbpf_strerror(err, text, sizeof(text));
		cpc_error_set(error, "cannot %s %s: not a usable BPF object (%s)", doing(stage),
			      what, text);
		return -EINVAL;
	}
	why = cause(stage, err);
	/* What libbpf guesses about a missing privilege is long and misleading. */
	if (err == EPERM)
		gist = NULL;
	/* What only CAP_PERFMON may, the verifier calls prohibited. */
	if (stage == CPC_BPF_STAGE_LOAD && err == EACCES && gist && strstr(gist, "prohibited"))
		why = NO_PRIVILEGE;
	if (!why)
		why = strerror_r(err, text, sizeof(text));
	cpc_error_set(error, "cannot %s %s: %s%s%s", doing(stage), what, why,
		      gist && *gist ? ": " : "", gist ? gist : "");
	return -err;
}

/* The verifier ends its log with lines of statistics; what it disliked stands before them. */
static bool is_statistics(const char *line, size_t len)
{
	static const char *const beginnings[] = { "verification time", "stack depth", "processed ",
						  "-- END", "-- BEGIN", "mark_precise" };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (len >= strlen(beginnings[i]) &&
		    !strncmp(line, beginnings[i], strlen(beginnings[i])))
			return true;
	return len == 0;
}

void cpc_bpf_log_gist(const char *log, char *ret_gist, size_t size)
{
	const char *end = log + strlen(log);

	ret_gist[0] = '\0';
	while (end > log) {
		const char *line;
		size_t len;

		while (end > log && end[-1] == '\n')
			end--;
		for (line = end; line > log && line[-1] != '\n'; line--)
			;
		len = (size_t)(end - line);
		if (!is_statistics(line, len)) {
			if (len >= size)
				len = size - 1;
			memcpy(ret_gist, line, len);
			ret_gist[len] = '\0';
			return;
		}
		end = line;
	}
}
