//! The filter of system calls: no setuid or setgid bits, no extended attributes, no io_uring (which would get
//! around the filter).
//!
//! A program for the kernel's packet filter. It looks at the architecture, then for the call among the rules.

use nix::libc::{
    self, BPF_ABS, BPF_ALU, BPF_AND, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO, sock_filter,
};

/// Which bits of a mode builders may not set.
const FORBIDDEN_BITS: u32 = libc::S_ISUID | libc::S_ISGID;

/// What is done about a system call.
#[derive(Clone, Copy)]
enum Rule {
    /// Fails with that error.
    Refuse(i32),
    /// Fails with `EPERM` if that argument has a forbidden bit.
    Mode(u32),
    /// As `Mode` for the argument after it, if that one has `O_CREAT`.
    Create(u32),
}

/// A system call by number, and its rule.
type Entry = (u32, Rule);

/// Calls that have the same number everywhere.
const COMMON: &[Entry] = &[
    (425, Rule::Refuse(libc::ENOSYS)),  // io_uring_setup
    (426, Rule::Refuse(libc::ENOSYS)),  // io_uring_enter
    (427, Rule::Refuse(libc::ENOSYS)),  // io_uring_register
    (452, Rule::Mode(2)),               // fchmodat2
    (463, Rule::Refuse(libc::ENOTSUP)), // setxattrat
    (464, Rule::Refuse(libc::ENOTSUP)), // getxattrat
];

const X86_64: &[Entry] = &[
    (2, Rule::Create(1)),               // open
    (85, Rule::Mode(1)),                // creat
    (90, Rule::Mode(1)),                // chmod
    (91, Rule::Mode(1)),                // fchmod
    (133, Rule::Mode(1)),               // mknod
    (188, Rule::Refuse(libc::ENOTSUP)), // setxattr
    (189, Rule::Refuse(libc::ENOTSUP)), // lsetxattr
    (190, Rule::Refuse(libc::ENOTSUP)), // fsetxattr
    (191, Rule::Refuse(libc::ENOTSUP)), // getxattr
    (192, Rule::Refuse(libc::ENOTSUP)), // lgetxattr
    (193, Rule::Refuse(libc::ENOTSUP)), // fgetxattr
    (257, Rule::Create(2)),             // openat
    (259, Rule::Mode(2)),               // mknodat
    (268, Rule::Mode(2)),               // fchmodat
];

const I386: &[Entry] = &[
    (5, Rule::Create(1)),               // open
    (8, Rule::Mode(1)),                 // creat
    (14, Rule::Mode(1)),                // mknod
    (15, Rule::Mode(1)),                // chmod
    (94, Rule::Mode(1)),                // fchmod
    (226, Rule::Refuse(libc::ENOTSUP)), // setxattr
    (227, Rule::Refuse(libc::ENOTSUP)), // lsetxattr
    (228, Rule::Refuse(libc::ENOTSUP)), // fsetxattr
    (229, Rule::Refuse(libc::ENOTSUP)), // getxattr
    (230, Rule::Refuse(libc::ENOTSUP)), // lgetxattr
    (231, Rule::Refuse(libc::ENOTSUP)), // fgetxattr
    (295, Rule::Create(2)),             // openat
    (297, Rule::Mode(2)),               // mknodat
    (306, Rule::Mode(2)),               // fchmodat
];

const AARCH64: &[Entry] = &[
    (5, Rule::Refuse(libc::ENOTSUP)),  // setxattr
    (6, Rule::Refuse(libc::ENOTSUP)),  // lsetxattr
    (7, Rule::Refuse(libc::ENOTSUP)),  // fsetxattr
    (8, Rule::Refuse(libc::ENOTSUP)),  // getxattr
    (9, Rule::Refuse(libc::ENOTSUP)),  // lgetxattr
    (10, Rule::Refuse(libc::ENOTSUP)), // fgetxattr
    (33, Rule::Mode(2)),               // mknodat
    (52, Rule::Mode(1)),               // fchmod
    (53, Rule::Mode(2)),               // fchmodat
    (56, Rule::Create(2)),             // openat
];

const ARM: &[Entry] = &[
    (5, Rule::Create(1)),               // open
    (8, Rule::Mode(1)),                 // creat
    (14, Rule::Mode(1)),                // mknod
    (15, Rule::Mode(1)),                // chmod
    (94, Rule::Mode(1)),                // fchmod
    (226, Rule::Refuse(libc::ENOTSUP)), // setxattr
    (227, Rule::Refuse(libc::ENOTSUP)), // lsetxattr
    (228, Rule::Refuse(libc::ENOTSUP)), // fsetxattr
    (229, Rule::Refuse(libc::ENOTSUP)), // getxattr
    (230, Rule::Refuse(libc::ENOTSUP)), // lgetxattr
    (231, Rule::Refuse(libc::ENOTSUP)), // fgetxattr
    (322, Rule::Create(2)),             // openat
    (324, Rule::Mode(2)),               // mknodat
    (333, Rule::Mode(2)),               // fchmodat
];

/// The architectures that a kernel of ours runs programs of: number, calls, and which bit of a call's number
/// means nothing to the rules.
const ARCHITECTURES: &[(u32, &[Entry], u32)] = if cfg!(target_arch = "x86_64") {
    // With that bit a call is one of x32, whose numbers for these calls are the same.
    &[(0xc000_003e, X86_64, 0x4000_0000), (0x4000_0003, I386, 0)]
} else if cfg!(target_arch = "aarch64") {
    &[(0xc000_00b7, AARCH64, 0), (0x4000_0028, ARM, 0)]
} else {
    &[]
};

// Where the parts of what the kernel tells of a call lie (`struct seccomp_data`), in bytes.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The program.
pub(crate) fn program() -> Vec<sock_filter> {
    let mut program = Vec::new();
    for (architecture, entries, ignored_bit) in ARCHITECTURES {
        let block = block(&[entries, COMMON].concat(), *ignored_bit);
        program.push(load(ARCHITECTURE));
        program.push(jump(BPF_JEQ, *architecture, 1, 0));
        // A far jump: conditional ones reach 255 instructions only.
        program.push(statement(libc::BPF_JMP | libc::BPF_JA, block.len() as u32));
        program.extend(block);
    }
    program.push(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    program
}

/// The rules of one architecture; a return at the end.
fn block(entries: &[Entry], ignored_bit: u32) -> Vec<sock_filter> {
    let mut block = Vec::new();
    let load_number = |block: &mut Vec<sock_filter>| {
        block.push(load(NUMBER));
        if ignored_bit != 0 {
            block.push(statement(BPF_ALU | BPF_AND | BPF_K, !ignored_bit));
        }
    };
    load_number(&mut block);
    for (number, rule) in entries {
        let mut body = Vec::new();
        match *rule {
            Rule::Refuse(error) => body.push(refuse(error)),
            Rule::Mode(argument) => check_mode(argument, &mut body),
            Rule::Create(argument) => {
                body.push(load(ARGUMENTS + 8 * argument));
                // Without O_CREAT the mode is not looked at. O_TMPFILE makes files too.
                let creates = (libc::O_CREAT | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u32;
                body.push(jump(libc::BPF_JSET, creates, 1, 0));
                body.push(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
                check_mode(argument + 1, &mut body);
            }
        }
        block.push(jump(BPF_JEQ, *number, 0, body.len() as u8));
        block.extend(body);
    }
    block.push(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    block
}

/// Refuse modes with forbidden bits, allow others.
fn check_mode(argument: u32, body: &mut Vec<sock_filter>) {
    body.push(load(ARGUMENTS + 8 * argument));
    body.push(jump(libc::BPF_JSET, FORBIDDEN_BITS, 0, 1));
    body.push(refuse(libc::EPERM));
    body.push(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

fn refuse(error: i32) -> sock_filter {
    statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error as u32)
}

/// Load 32 bits of what the kernel tells of the call; on little-endian machines the lower half of arguments.
fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, offset)
}

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    }
}

fn jump(comparison: u32, k: u32, if_true: u8, if_false: u8) -> sock_filter {
    sock_filter {
        code: (BPF_JMP | comparison | BPF_K) as u16,
        jt: if_true,
        jf: if_false,
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program says of a call.
    fn run(architecture: u32, number: u32, arguments: [u32; 6]) -> u32 {
        let program = program();
        let (mut place, mut value) = (0, 0);
        loop {
            let instruction = program[place];
            place += 1;
            let code = u32::from(instruction.code);
            if code == BPF_LD | BPF_W | BPF_ABS {
                value = match instruction.k {
                    NUMBER => number,
                    ARCHITECTURE => architecture,
                    offset => arguments[(offset - ARGUMENTS) as usize / 8],
                };
            } else if code == BPF_ALU | BPF_AND | BPF_K {
                value &= instruction.k;
            } else if code == libc::BPF_JMP | libc::BPF_JA {
                place += instruction.k as usize;
            } else if code == BPF_RET | BPF_K {
                return instruction.k;
            } else {
                let holds = if code == BPF_JMP | BPF_JEQ | BPF_K {
                    value == instruction.k
                } else {
                    value & instruction.k != 0
                };
                place += usize::from(if holds { instruction.jt } else { instruction.jf });
            }
        }
    }

    #[test]
    fn calls_are_refused_on_all_architectures() {
        let eperm = SECCOMP_RET_ERRNO | libc::EPERM as u32;
        let enosys = SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
        let enotsup = SECCOMP_RET_ERRNO | libc::ENOTSUP as u32;
        for (architecture, entries, ignored_bit) in ARCHITECTURES {
            for (number, rule) in entries.iter().chain(COMMON) {
                for number in [*number, *number | ignored_bit] {
                    let with = |place: u32, value: u32| {
                        let mut arguments = [0; 6];
                        arguments[place as usize] = value;
                        arguments
                    };
                    match *rule {
                        Rule::Refuse(error) => {
                            let found = run(*architecture, number, [0; 6]);
                            assert_eq!(found, SECCOMP_RET_ERRNO | error as u32);
                            assert!([enosys, enotsup].contains(&found));
                        }
                        Rule::Mode(place) => {
                            assert_eq!(run(*architecture, number, with(place, 0o4755)), eperm);
                            assert_eq!(run(*architecture, number, with(place, 0o2755)), eperm);
                            assert_eq!(run(*architecture, number, with(place, 0o1777)), SECCOMP_RET_ALLOW);
                        }
                        Rule::Create(place) => {
                            let mut arguments = with(place + 1, 0o4755);
                            assert_eq!(run(*architecture, number, arguments), SECCOMP_RET_ALLOW);
                            arguments[place as usize] = libc::O_CREAT as u32;
                            assert_eq!(run(*architecture, number, arguments), eperm);
                            arguments[place as usize + 1] = 0o755;
                            assert_eq!(run(*architecture, number, arguments), SECCOMP_RET_ALLOW);
                        }
                    }
                }
            }
            assert_eq!(run(*architecture, 0, [u32::MAX; 6]), SECCOMP_RET_ALLOW);
        }
        assert_eq!(run(1, 90, [u32::MAX; 6]), SECCOMP_RET_ALLOW);
    }
}
