//! What the worker forbids itself before it reads a message: memory beyond a bound, and on Linux every socket, every
//! other program, and writing to any file. What cannot be forbidden on a system is not needed by the page either: it
//! holds no address.

/// Fences this process in for good. `memory` is what it may hold beyond its program and the fonts, in octets.
pub(super) fn close(memory: u64) {
    #[cfg(unix)]
    bound_memory(memory);
    #[cfg(not(unix))]
    let _ = memory;
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = refuse_calls();
}

/// Data counts what is held, and not the fonts that are mapped; where a system does not bound data, address space is
/// the second fence. A worker that meets one of them dies.
#[cfg(unix)]
fn bound_memory(memory: u64) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let bound = |octets| Rlimit { current: Some(octets), maximum: Some(octets) };
    let _ = setrlimit(Resource::Data, bound(memory));
    let _ = setrlimit(Resource::As, bound(memory.saturating_add(4 << 30)));
    let _ = setrlimit(Resource::Core, bound(0));
}

/// Calls that fail from now on as if they were not allowed: those that reach another computer, another program, or
/// write to the disk.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn refuse_calls() -> Result<(), seccompiler::Error> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    let mut refused: std::collections::BTreeMap<i64, Vec<SeccompRule>> =
        REFUSED.iter().map(|call| (*call, Vec::new())).collect();
    let opens_to = |flag: libc::c_int| -> Result<SeccompRule, seccompiler::BackendError> {
        let mask = libc::O_ACCMODE.unsigned_abs().into();
        let condition = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(mask),
            flag.unsigned_abs().into(),
        )?;
        SeccompRule::new(vec![condition])
    };
    refused.insert(libc::SYS_openat, vec![opens_to(libc::O_WRONLY)?, opens_to(libc::O_RDWR)?]);
    let filter = SeccompFilter::new(
        refused,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EACCES.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
const REFUSED: &[i64] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_io_uring_setup,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kill,
    libc::SYS_mount,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_linkat,
    libc::SYS_symlinkat,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_truncate,
    libc::SYS_openat2,
    libc::SYS_bpf,
    libc::SYS_keyctl,
    libc::SYS_setns,
    libc::SYS_unshare,
];
