//! What builders try to get out of their sandbox. Each attempt is refused, or harmless.
//!
//! As root these tests run once more as an ordinary user.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nivis_builder::{Mode, SandboxPath};
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::DerivationOutput;
use nivis_store::hash::Hash;
use nix::unistd::geteuid;

use common::{World, exists, set, shell};

/// An account that nobody has.
const ORDINARY: u32 = 54_321;

/// `try NAME COMMAND...` writes whether the command was refused.
const TRY: &str = r#"try() { n=$1; shift; if "$@" >/dev/null 2>&1; then echo "$n=done"; else echo "$n=refused"; fi >> $out; };"#;

/// Run a script of attempts; what came of each.
fn attempts(world: &World, name: &str, script: &str) -> BTreeMap<String, String> {
    let text = world.output(shell(name, &format!("{TRY} {script}")));
    common::variables(&text)
}

/// All attempts were refused.
fn all_refused(found: &BTreeMap<String, String>, count: usize) {
    assert_eq!(found.len(), count, "{found:?}");
    let done: Vec<_> = found.iter().filter(|(_, how)| *how != "refused").collect();
    assert!(done.is_empty(), "{done:?}");
}

fn has_perl() -> bool {
    let found = Path::new("/usr/bin/perl").exists();
    if !found {
        eprintln!("skipped: no perl here");
    }
    found
}

#[test]
fn undeclared_files_are_not_seen() {
    let Some(mut world) = World::sandboxed() else {
        return;
    };
    let secret = world
        .store
        .add_text("secret", b"secret", &BTreeSet::new())
        .unwrap();
    let input = world.store.add_text("input", b"input", &BTreeSet::new()).unwrap();
    world.store.flush().unwrap();
    let home = world.path().join("home");
    fs::write(&home, "home").unwrap();
    // Neither the store's nor the build's folder is below what is shared.
    world
        .settings
        .sandbox_paths
        .retain(|path| path.target != Path::new("/tmp"));
    let mut drv = shell(
        "files",
        &format!(
            "{TRY} try secret cat {}; try home cat {}; try up ls {}/..; cat {} >> $out; echo >> $out; \
             echo store=$(ls -A $NIX_STORE) >> $out; echo root=$(ls -A /) >> $out; echo tmp=$(ls -A /tmp) >> $out",
            world.print(&secret),
            home.display(),
            world.path().join("state").display(),
            world.print(&input),
        ),
    );
    drv.input_srcs.insert(input.clone());
    let (drv_path, drv) = world.add(drv);
    let out = String::from_utf8(drv.env.get(b"out").unwrap().to_vec()).unwrap();
    let built = world.build_as(&drv_path, drv, Mode::Normal).built();
    let text = fs::read_to_string(world.store.real_path(&built.outputs["out"])).unwrap();
    let found = common::variables(&text);
    assert_eq!([&found["secret"], &found["home"], &found["up"]], ["refused"; 3]);
    let mut names = [input.base_name(), out.rsplit('/').next().unwrap()];
    names.sort_unstable();
    assert_eq!(found["store"], names.join(" "));
    let root: BTreeSet<&str> = found["root"].split(' ').collect();
    // The top folder of this test's store, and what the world shares.
    let top = world.path();
    let top = top.iter().nth(1).unwrap().to_str().unwrap();
    let expected = BTreeSet::from([
        "bin", "build", "dev", "etc", "lib", "lib64", "proc", "tmp", "usr", top,
    ]);
    assert!(root.is_subset(&expected), "{root:?}");
}

#[test]
fn inputs_cannot_be_changed() {
    let Some(world) = World::sandboxed() else { return };
    let (folder_drv, folder) = world.add(shell(
        "folder",
        "mkdir $out; echo good > $out/file; echo > $out/more",
    ));
    let folder = world.build_as(&folder_drv, folder, Mode::Normal).built().outputs["out"].clone();
    let file = world.store.add_text("file", b"good\n", &BTreeSet::new()).unwrap();
    let script = format!(
        "{TRY} for i in {0} {1}/file; do
           try chmod-$(basename $i) chmod u+w $i; try write-$(basename $i) sh -c \"echo bad >> $i\";
           try remove-$(basename $i) rm -f $i; try touch-$(basename $i) touch $i; try link-$(basename $i) ln $i /build/x;
         done; try add sh -c 'echo > {1}/new'; try rename mv {1} {1}.old; try remove-folder rm -rf {1};
         try mount mount --bind /build {1}; try remount mount -o remount,rw,bind {1};
         try nested unshare -Ur sh -c 'mount -o remount,rw,bind {1} && echo > {1}/nested';
         try uncover unshare -Urm umount {1}; try chown chown 0 {1}/file",
        world.print(&file),
        world.print(&folder),
    );
    let mut drv = shell("writer", &script);
    drv.input_srcs.extend([file.clone(), folder.clone()]);
    let found = common::variables(&world.output(drv));
    all_refused(&found, 18);
    assert_eq!(fs::read(world.store.real_path(&file)).unwrap(), b"good\n");
    let real = world.store.real_path(&folder);
    assert_eq!(fs::read(real.join("file")).unwrap(), b"good\n");
    assert_eq!(fs::read_dir(&real).unwrap().count(), 2);
    assert_eq!(real.join("file").metadata().unwrap().mode() & 0o7777, 0o444);
}

#[test]
fn files_of_others_do_not_come_into_outputs() {
    let Some(mut world) = World::sandboxed() else {
        return;
    };
    let foreign = world.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("shadow"), "secret").unwrap();
    fs::set_permissions(foreign.join("shadow"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = foreign.join("shadow").metadata().unwrap();
    world
        .settings
        .sandbox_paths
        .push(SandboxPath::parse(&format!("/foreign={}", foreign.display())));
    let found = attempts(
        &world,
        "linker",
        "try link ln /foreign/shadow $NIX_STORE/x; try build-link ln /foreign/shadow /build/x",
    );
    all_refused(&found, 2);
    let script = format!("ln -s {} $out", foreign.join("shadow").display());
    let out = world.build(shell("symlink", &script)).built().outputs["out"].clone();
    assert!(
        world
            .store
            .real_path(&out)
            .symlink_metadata()
            .unwrap()
            .is_symlink()
    );
    let after = foreign.join("shadow").metadata().unwrap();
    assert_eq!(
        (before.mode(), before.uid(), before.mtime(), before.nlink()),
        (after.mode(), after.uid(), after.mtime(), after.nlink())
    );
}

#[test]
fn privileged_files_cannot_be_made() {
    let Some(world) = World::sandboxed() else { return };
    let found = attempts(
        &world,
        "setuid",
        "cd /build; cp /bin/sh s; mkdir d; try setuid chmod 4755 s; try setgid chmod 2755 s; try folder chmod g+s d;
         try install install -m 4755 /bin/sh i; try device mknod c c 1 3; try block mknod b b 7 0;
         try xattr setfattr -n user.x -v y s; [ -u s ] && echo s=done >> $out || true",
    );
    all_refused(&found, 7);
    if has_perl() && cfg!(target_arch = "x86_64") {
        let found = attempts(
            &world,
            "calls",
            "try create perl -e 'use Fcntl; sysopen(F, \"/build/f\", O_CREAT|O_WRONLY, 04755) or exit 1';
             try fchmodat2 perl -e 'exit(syscall(452, -100, \"/build\", 04755, 0) == 0 ? 0 : 1)';
             try xattr perl -e 'exit(syscall(188, \"/build\", \"user.x\", \"y\", 1, 0) == 0 ? 0 : 1)';
             try io_uring perl -e '$p = \"\\0\" x 120; exit(syscall(425, 4, $p) >= 0 ? 0 : 1)';
             try compat perl -e 'exit(syscall(0x40000000 | 90, \"/build\", 04755) == 0 ? 0 : 1)'",
        );
        all_refused(&found, 5);
    }
    // What could be a secret channel to others on the host is shut: nobody may enter the folders.
    assert_eq!(
        world.path().join("state/builds").metadata().unwrap().mode() & 0o022,
        0
    );
}

#[test]
fn outside_processes_are_out_of_reach() {
    let Some(world) = World::sandboxed() else { return };
    let mut victim = Command::new("sleep").arg("60").spawn().unwrap();
    let found = attempts(
        &world,
        "killer",
        &format!(
            "try kill kill -9 {0}; try proc ls /proc/{0}; try parent kill -9 $PPID; try environ cat /proc/1/environ;
             try memory cat /proc/1/maps; try files ls /proc/1/fd; try root ls /proc/1/root/;
             trap '' TERM; kill -TERM -1; n=$(ls -d /proc/[0-9]* | wc -l);
             [ $n -lt 6 ] && echo few=refused >> $out; [ -z \"$(tr -d '\\0' < /proc/1/cmdline)\" ] && echo arguments=refused >> $out",
            victim.id()
        ),
    );
    // Killing the init from inside has no effect, so that may be allowed.
    let mut found = found;
    found.remove("parent");
    all_refused(&found, 8);
    assert!(victim.try_wait().unwrap().is_none());
    if has_perl() && cfg!(target_arch = "x86_64") {
        let found = attempts(
            &world,
            "tracer",
            "try attach perl -e 'exit(syscall(101, 16, 1, 0, 0) == 0 ? 0 : 1)';
             try seize perl -e 'exit(syscall(101, 0x4206, 1, 0, 0) == 0 ? 0 : 1)'",
        );
        all_refused(&found, 2);
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
}

#[test]
fn the_network_is_the_builds_own() {
    let Some(world) = World::sandboxed() else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = world.output(shell(
        "interfaces",
        "tail -n +3 /proc/net/dev > $out; cat /proc/net/route >> $out",
    ));
    let interfaces: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .collect();
    assert_eq!(interfaces, ["lo"]);
    if !has_perl() {
        return;
    }
    let name = format!("nivis-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    let path = world.path().join("socket");
    let _named = UnixListener::bind(&path).unwrap();
    let connect = |kind: &str, address: String| {
        format!(
            "perl -MSocket -e 'socket(S, {kind}, SOCK_STREAM, 0) or exit 2; connect(S, {address}) or exit 1'"
        )
    };
    let unix = |name: &str| connect("PF_UNIX", format!("pack_sockaddr_un(\"{name}\")"));
    let found = attempts(
        &world,
        "sockets",
        &format!(
            "try port {}; try abstract {}; try path {}",
            connect(
                "PF_INET",
                format!("sockaddr_in({port}, inet_aton(\"127.0.0.1\"))")
            ),
            unix(&format!("\\0{name}")),
            unix(path.to_str().unwrap()),
        ),
    );
    all_refused(&found, 3);

    // Two builds have one port each, at once, on a loopback that is up.
    let listen = |name: &str| {
        shell(
            name,
            "perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(8080, INADDR_ANY)) or die; \
             listen(S, 5); socket(C, PF_INET, SOCK_STREAM, 0); connect(C, sockaddr_in(8080, inet_aton(\"127.0.0.1\"))) or die; \
             sleep 1' && echo good > $out",
        )
    };
    let [first, second] = ["first", "second"].map(|name| {
        let (drv_path, drv) = world.add(listen(name));
        world.start(&drv_path, drv, Mode::Normal).unwrap()
    });
    world.wait(first, &mut Vec::new()).unwrap();
    world.wait(second, &mut Vec::new()).unwrap();

    // A build with the host's network still cannot talk to others by abstract sockets, where the kernel can tell.
    let mut drv = shell(
        "fixed",
        &format!("{} && echo done; echo x > $out", unix(&format!("\\0{name}"))),
    );
    let hash = Hash::sha256(b"x\n");
    let method = ContentAddressMethod::Flat;
    drv.outputs.insert(
        "out".to_owned(),
        DerivationOutput::Fixed(ContentAddress { method, hash }),
    );
    let outcome = world.build(drv);
    let has_landlock =
        fs::read_to_string("/sys/kernel/security/lsm").is_ok_and(|text| text.contains("landlock"));
    if has_landlock {
        assert_eq!(outcome.lines, Vec::<String>::new());
    } else {
        eprintln!("skipped: no landlock here to scope abstract sockets");
    }
    outcome.built();
}

#[test]
fn shared_memory_and_names_are_the_builds_own() {
    let Some(world) = World::sandboxed() else { return };
    let before = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    let script = "cat /proc/sysvipc/shm /proc/sysvipc/sem | grep -vc key > $out;
        uname -n >> $out; cat /proc/sys/kernel/domainname >> $out; cat /proc/self/cgroup | tail -1 >> $out;
        [ -x /usr/bin/perl ] && perl -e 'shmget(7777, 100, 01666) // die; semget(7777, 1, 01666) // die';
        echo x > /dev/shm/leftover";
    let text = world.output(shell("ipc", script));
    assert_eq!(
        text.lines().take(3).collect::<Vec<_>>(),
        ["0", "localhost", "(none)"]
    );
    assert!(text.ends_with(":/\n"), "{text}");
    let segments = |text: &str| text.lines().filter(|line| line.contains(" 7777 ")).count();
    let after = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    assert_eq!(segments(&before), segments(&after));
    assert!(!exists(Path::new("/dev/shm/leftover")));
}

#[test]
fn the_kernel_cannot_be_reconfigured() {
    let Some(world) = World::sandboxed() else { return };
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let (before, pattern) = (
        mounts(),
        fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap(),
    );
    let found = attempts(
        &world,
        "kernel",
        // Each writes what is there already, lest a hole does harm.
        "for f in kernel/core_pattern kernel/randomize_va_space vm/overcommit_memory fs/file-max kernel/hostname; do
           v=$(cat /proc/sys/$f); try $(basename $f) sh -c \"echo '$v' > /proc/sys/$f\"; done;
         try sysrq sh -c 'echo h > /proc/sysrq-trigger'; try set-hostname hostname other; try mount mount -t tmpfs x /tmp;
         try umount umount /proc; try proc mount -t proc x /tmp; try chroot chroot / true; try module insmod /x; try swap swapoff -a;
         try passwd sh -c 'echo > /etc/passwd'; try etc sh -c 'echo > /etc/new'; try date date -s 2000-01-01; try etc-mode chmod 777 /etc",
    );
    let mut found = found;
    // Nothing to swap off is no success.
    found.remove("swap");
    if geteuid().is_root() {
        all_refused(&found, 16);
    } else {
        // The user's own copies in the sandbox's own folder: harmless.
        for own in ["passwd", "etc-mode"] {
            found.remove(own);
        }
        all_refused(&found, 14);
    }
    assert_eq!(
        pattern,
        fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap()
    );
    assert_eq!(before, mounts());
}

#[test]
fn descriptors_are_not_inherited() {
    let Some(world) = World::sandboxed() else { return };
    // Open, and not marked to be closed on execution.
    let file = fs::File::open("/etc/passwd").unwrap();
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let text = world.output(shell(
        "descriptors",
        "ls /proc/$$/fd > $out; ls -l /proc/$$/fd/0 >> $out",
    ));
    let lines: Vec<&str> = text.lines().collect();
    // The shell may keep one of its own while it redirects.
    let fds: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| line.len() <= 2 && *line != "10")
        .collect();
    assert_eq!(fds, ["0", "1", "2"]);
    assert!(lines.last().unwrap().ends_with("-> /dev/null"), "{lines:?}");
}

#[test]
fn bombs_and_daemons_end_with_the_build() {
    let Some(world) = World::sandboxed() else { return };
    // Bounded by itself: a bomb that really grows takes the whole machine down (for root, `ulimit -u` is no limit)
    // before its build ends. Many processes that go on forking a little show the same.
    // A time that nobody else sleeps: this test may run twice at once.
    let time = format!("4{}", std::process::id());
    let script = format!(
        "i=0; while [ $i -lt 100 ]; do (sleep {time} & sleep {time}) & i=$((i+1)); done; \
         (setsid nohup sleep {time} >/dev/null 2>&1 &); echo x > $out"
    );
    world.build(shell("bomb", &script)).built();
    let sleeper = format!("sleep\0{time}\0");
    let running = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path().join("cmdline");
        fs::read(path).ok().filter(|text| text == sleeper.as_bytes())
    });
    assert_eq!(running.count(), 0);
}

#[test]
fn orphans_are_reaped() {
    let Some(world) = World::sandboxed() else { return };
    let text = world.output(shell(
        "orphans",
        "for i in 1 2 3 4 5; do (true & exec true) & done; wait; sleep 0.3; \
         grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l > $out; cat /proc/1/comm >> $out",
    ));
    assert_eq!(text, "0\ninit\n");
}

#[test]
fn strange_outputs_do_no_harm() {
    let Some(world) = World::sandboxed() else { return };
    let script = r"mkdir -p $out/closed $out/a; echo > $out/closed/file; chmod 0 $out/closed/file $out/closed;
        echo > $out/$(printf 'new\nline'); echo > $out/-rf; ln -s / $out/a/up; ln -s loop $out/loop; echo > $out/a/x; ln $out/a/x $out/y";
    let out = world.build(shell("strange", script)).built().outputs["out"].clone();
    let real = world.store.real_path(&out);
    assert_eq!(real.join("closed").metadata().unwrap().mode() & 0o7777, 0o555);
    assert_eq!(
        real.join("closed/file").metadata().unwrap().mode() & 0o7777,
        0o444
    );
    let deep = world
        .build(shell(
            "deep",
            "mkdir $out; cd $out; for i in $(seq 100); do mkdir d; cd d; done",
        ))
        .failure();
    assert!(
        deep.message.contains("exceeds maximum NAR directory depth"),
        "{deep}"
    );
    let socket = world
        .build(shell("pipe", "mkdir $out; mkfifo $out/pipe"))
        .failure();
    assert!(socket.message.contains("unsupported type"), "{socket}");
    // Folders of failed builds are gone, however they were locked.
    world
        .build(shell("locked", "mkdir -p x/y /tmp/z/z; chmod 0 x /tmp/z; false"))
        .failure();
    assert_eq!(
        fs::read_dir(world.path().join("state/builds")).unwrap().count(),
        0
    );
    assert!(!world.store_entries().iter().any(|name| name.ends_with(".chroot")));
}

#[test]
fn outputs_of_others_cannot_be_forged() {
    let Some(world) = World::sandboxed() else { return };
    let (other, other_drv) = world.add(shell("other", "echo good > $out"));
    let target = String::from_utf8(other_drv.env.get(b"out").unwrap().to_vec()).unwrap();
    world
        .build(shell("forger", &format!("echo bad > {target}; echo > $out")))
        .built();
    assert!(!exists(Path::new(&target)));
    let built = world.build_as(&other, other_drv, Mode::Normal).built();
    assert_eq!(
        fs::read_to_string(world.store.real_path(&built.outputs["out"])).unwrap(),
        "good\n"
    );

    // Nor by a derivation that claims the path.
    let (_, mut forged) = world.add(shell("other2", "echo bad > $out"));
    let path = world.store.store_dir().parse(&target).unwrap();
    forged.name = "other".to_owned();
    set(&mut forged, "out", &target);
    forged
        .outputs
        .insert("out".to_owned(), DerivationOutput::InputAddressed(path));
    let text = forged.to_aterm(world.store.store_dir()).unwrap();
    let error = world
        .store
        .add_text("other.drv", &text, &BTreeSet::new())
        .unwrap_err();
    assert!(
        error.to_string().contains("derivation has incorrect output"),
        "{error}"
    );
}

#[test]
fn all_of_this_holds_for_ordinary_users() {
    if !geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("escape");
    // By another process: what a child of a test beside this holds open for writing cannot be run.
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let own = folder.path().join("tmp");
    fs::create_dir(&own).unwrap();
    nix::unistd::chown(&own, Some(ORDINARY.into()), Some(ORDINARY.into())).unwrap();
    let output = Command::new(program)
        .uid(ORDINARY)
        .gid(ORDINARY)
        .current_dir("/")
        .env("TMPDIR", &own)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("test result: ok. "), "{text}");
}
