/*
 * Processors with AMX: user-mode-linux 6.1 keeps 2696 octets of a process's extended state (XSAVE: x87 to AVX-512 and PKRU), and the
 * host's kernel sets all of it or nothing (x86/kernel/fpu/regset.c: EFAULT). What it does not keep is set to what is there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Not on the stack: user-mode-linux's own are of 16 KiB. It traces from one thread. */
static char whole[64 << 10] __attribute__((aligned(64)));

long ptrace(enum __ptrace_request request, ...)
{
	static long (*next)(enum __ptrace_request, ...);
	struct iovec *given, all = { whole, sizeof(whole) };
	va_list more;
	pid_t pid;
	void *what, *data;
	long rc;

	va_start(more, request);
	pid = va_arg(more, pid_t);
	what = va_arg(more, void *);
	data = va_arg(more, void *);
	va_end(more);
	if (!next)
		next = dlsym(RTLD_NEXT, "ptrace");
	rc = next(request, pid, what, data);
	if (rc == 0 || errno != EFAULT || request != PTRACE_SETREGSET || (long)what != NT_X86_XSTATE)
		return rc;
	given = data;
	if (next(PTRACE_GETREGSET, pid, what, &all) != 0)
		return -1;
	memcpy(whole, given->iov_base, given->iov_len < all.iov_len ? given->iov_len : all.iov_len);
	return next(request, pid, what, &all);
}
