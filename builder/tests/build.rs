//! Builds of single derivations, without and with a sandbox: what builders get, what becomes of what they make.

mod common;

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::{Duration, Instant};

use nivis_builder::{FailureKind, Mode};
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::{DerivationOutput, InputOutputs};
use nivis_store::hash::Hash;

use common::{World, exists, set, shell, variables};

#[test]
fn the_environment_is_clean() {
    for world in World::both() {
        let mut drv = shell("env", "env > $out");
        set(&mut drv, "mine", "it's 1");
        set(&mut drv, "TERM", "mine");
        let (_, drv) = world.add(drv);
        let out = String::from_utf8(drv.env.get(b"out").unwrap().to_vec()).unwrap();
        let text = world.output(drv);
        let mut found = variables(&text);
        let folder = found["NIX_BUILD_TOP"].clone();
        for name in ["TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD"] {
            assert_eq!(found.remove(name).unwrap(), folder, "{name}");
        }
        if world.settings.sandbox == nivis_builder::Sandbox::On {
            assert_eq!(folder, "/build");
        }
        // The shell of some systems sets these.
        for name in ["NIX_BUILD_TOP", "_", "SHLVL", "OLDPWD"] {
            found.remove(name);
        }
        let expected = [
            ("HOME", "/homeless-shelter"),
            ("NIX_BUILD_CORES", "3"),
            ("NIX_LOG_FD", "2"),
            ("NIX_STORE", world.store.store_dir().as_str()),
            ("PATH", "/usr/bin:/bin"),
            ("TERM", "xterm-256color"),
            ("builder", "/bin/sh"),
            ("mine", "it's 1"),
            ("name", "env"),
            ("out", &out),
            ("system", "x86_64-linux"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(found, expected.into_iter().collect());
    }
}

#[test]
fn attributes_come_as_files() {
    for world in World::both() {
        let mut drv = shell(
            "files",
            "cat \"$bigPath\" > $out; echo \"[$big]\" >> $out; basename \"$bigPath\" >> $out; stat -c %a . >> $out",
        );
        set(&mut drv, "passAsFile", "big");
        set(&mut drv, "big", "contents");
        assert_eq!(
            world.output(drv),
            "contents[]\n.attr-0kl3xbwm9hgzxkzzdi5hwzyx4nx2xq3cy8pzqvwc54ysj3x15m59\n700\n"
                .replace("0kl3xbwm9hgzxkzzdi5hwzyx4nx2xq3cy8pzqvwc54ysj3x15m59", &{
                    nivis_store::base32::encode(Hash::sha256(b"big").as_bytes())
                })
        );
        let mut drv = shell(
            "structured",
            ". .attrs.sh; cat .attrs.json > $out; echo \"$NIX_ATTRS_JSON_FILE $a\" > log",
        );
        drv.args[1] = b"PATH=/usr/bin:/bin; cat .attrs.json > $(sed -n 's/.*\"out\":\"\\([^\"]*\\)\".*/\\1/p' .attrs.json)".to_vec();
        set(&mut drv, "__json", r#"{"b":[1,"x"],"a":"y","name":"structured"}"#);
        let (_, drv) = world.add(drv);
        let out = String::from_utf8(drv.env.get(b"out").unwrap().to_vec()).unwrap();
        let text = world.output(drv);
        assert_eq!(
            text,
            format!(r#"{{"a":"y","b":[1,"x"],"name":"structured","outputs":{{"out":"{out}"}}}}"#)
        );
    }
}

#[test]
fn graphs_of_references_are_exported() {
    for world in World::both() {
        let leaf = world.store.add_text("leaf", b"leaf", &BTreeSet::new()).unwrap();
        let root_text = world.print(&leaf);
        let root = world
            .store
            .add_text("root", root_text.as_bytes(), &[leaf.clone()].into())
            .unwrap();
        let mut drv = shell("graph", "cat graph > $out");
        drv.input_srcs.insert(root.clone());
        set(
            &mut drv,
            "exportReferencesGraph",
            format!("graph {}", world.print(&root)),
        );
        let text = world.output(drv);
        let mut blocks = [
            format!("{0}\n\n0\n", world.print(&leaf)),
            format!("{0}\n\n1\n{1}\n", world.print(&root), world.print(&leaf)),
        ];
        blocks.sort();
        assert_eq!(text, blocks.concat());

        let mut drv = shell("not-an-input", "true");
        set(
            &mut drv,
            "exportReferencesGraph",
            format!("graph {}", world.print(&root)),
        );
        let failure = world.build(drv).failure();
        assert!(failure.message.starts_with(&format!(
            "cannot export references of path '{}' because it is not in the input closure",
            world.print(&root)
        )));
    }
}

#[test]
fn outputs_refer_to_each_other_and_are_canonical() {
    for world in World::both() {
        let mut drv = shell(
            "multi",
            "mkdir -p $out/bin $dev; echo '#!/bin/sh' > $out/bin/x; chmod 700 $out/bin/x; echo $out > $dev/ref; \
             ln -s nowhere $out/link; echo $out >> $out/self; umask 0; echo > $man; chmod 644 $man",
        );
        for name in ["dev", "man"] {
            drv.outputs.insert(name.to_owned(), DerivationOutput::Deferred);
        }
        let (drv_path, drv) = world.add(drv);
        let built = world.build_as(&drv_path, drv, Mode::Normal).built();
        let [out, dev, man] = ["out", "dev", "man"].map(|name| built.outputs[name].clone());
        let info = world.store.query_path_info(&dev).unwrap();
        assert_eq!(info.references, [out.clone()].into());
        assert_eq!(info.deriver, Some(drv_path.clone()));
        assert!(info.ultimate);
        assert_eq!(world.store.query_references(&out).unwrap(), [out.clone()].into());
        assert!(world.store.query_references(&man).unwrap().is_empty());
        for (file, mode) in [("", 0o555), ("bin", 0o555), ("bin/x", 0o555), ("self", 0o444)] {
            let metadata = world.store.real_path(&out).join(file).metadata().unwrap();
            assert_eq!(metadata.mode() & 0o7777, mode, "{file}");
            assert_eq!(metadata.mtime(), 1, "{file}");
            assert_eq!(metadata.uid(), nix::unistd::geteuid().as_raw());
        }
        let link = world.store.real_path(&out).join("link");
        assert_eq!(link.symlink_metadata().unwrap().mtime(), 1);
        // Nothing is left behind.
        assert!(
            !world
                .store_entries()
                .iter()
                .any(|name| name.contains("chroot") || name.contains("tmp"))
        );
        assert_eq!(
            std::fs::read_dir(world.path().join("state/builds"))
                .unwrap()
                .count(),
            0
        );
    }
}

#[test]
fn circles_are_named() {
    for world in World::both() {
        let mut drv = shell("circle", "echo $dev > $out; echo $out > $dev");
        drv.outputs.insert("dev".to_owned(), DerivationOutput::Deferred);
        let (drv_path, drv) = world.add(drv);
        let failure = world.build_as(&drv_path, drv, Mode::Normal).failure();
        assert_eq!(
            failure.message,
            format!(
                "cycle detected in build of '{}' in the references of output 'dev' from output 'out'",
                world.print(&drv_path)
            )
        );
        assert_eq!(failure.kind, FailureKind::OutputRejected);
    }
}

#[test]
fn fixed_outputs_keep_their_promise() {
    for world in World::both() {
        let fixed = |name: &str, method, contents: &[u8], script: &str| {
            let mut drv = shell(name, script);
            let hash = Hash::sha256(contents);
            drv.outputs.insert(
                "out".to_owned(),
                DerivationOutput::Fixed(ContentAddress { method, hash }),
            );
            drv
        };
        let good = fixed(
            "good",
            ContentAddressMethod::Flat,
            b"x\n",
            "echo x > $out; echo $NIX_OUTPUT_CHECKED",
        );
        let outcome = world.build(good);
        assert_eq!(outcome.lines, ["1"]);
        let path = outcome.built().outputs["out"].clone();
        let info = world.store.query_path_info(&path).unwrap();
        assert_eq!(info.content_address.unwrap().hash, Hash::sha256(b"x\n"));

        let (drv_path, bad) = world.add(fixed("bad", ContentAddressMethod::Flat, b"y", "echo x > $out"));
        let failure = world.build_as(&drv_path, bad, Mode::Normal).failure();
        assert_eq!(failure.kind, FailureKind::HashMismatch);
        assert_eq!(
            failure.message,
            format!(
                "hash mismatch in fixed-output derivation '{}':\n  specified: {}\n     got:    {}",
                world.print(&drv_path),
                Hash::sha256(b"y").to_sri(),
                Hash::sha256(b"x\n").to_sri()
            )
        );

        let failure = world
            .build(fixed("folder", ContentAddressMethod::Flat, b"y", "mkdir $out"))
            .failure();
        assert!(
            failure
                .message
                .contains("should be a non-executable regular file"),
            "{failure}"
        );
    }
}

#[test]
fn fixed_outputs_get_the_variables_they_ask_for() {
    for mut world in World::both() {
        let given = [("http_proxy", "there"), ("other", "kept")];
        world.settings.impure_env = given
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let script = "echo \"$http_proxy,$absent,$other\"; echo x > $out";
        let mut drv = shell("asks", script);
        set(&mut drv, "impureEnvVars", "http_proxy absent");
        let pure = world.build(drv.clone());
        assert_eq!(pure.lines, [",,"]);
        let address = ContentAddress {
            method: ContentAddressMethod::Flat,
            hash: Hash::sha256(b"x\n"),
        };
        drv.outputs
            .insert("out".to_owned(), DerivationOutput::Fixed(address));
        let outcome = world.build(drv);
        assert_eq!(outcome.lines, ["there,,"]);
        outcome.built();
    }
}

#[test]
fn failures_are_told() {
    for world in World::both() {
        let (drv_path, drv) = world.add(shell("fails", "echo one; echo two >&2; exit 7"));
        let out = String::from_utf8(drv.env.get(b"out").unwrap().to_vec()).unwrap();
        let failure = world.build_as(&drv_path, drv, Mode::Normal).failure();
        let drv = world.print(&drv_path);
        assert_eq!(failure.kind, FailureKind::Permanent);
        assert_eq!(
            failure.with_log(&drv),
            format!(
                "Cannot build '{drv}'.\nReason: builder failed with exit code 7.\nOutput paths:\n  {out}\n\
                 Last 2 log lines:\n> one\n> two\nFor full logs, run:\n  nix-store -l {drv}"
            )
        );
        let log = nivis_builder::log::log_path(&world.path().join("log"), &drv_path);
        let log = std::fs::File::open(log.with_extension("drv.bz2")).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(
            &mut nivis_store::decompress::decompress(std::io::BufReader::new(log)).unwrap(),
            &mut text,
        )
        .unwrap();
        assert_eq!(text, "one\ntwo\n");

        let failure = world.build(shell("killed", "kill -9 $$")).failure();
        assert!(
            failure
                .message
                .contains("Reason: builder failed due to signal 9 (Killed)."),
            "{failure}"
        );

        let (drv_path, drv) = world.add(shell("nothing", "true"));
        let failure = world.build_as(&drv_path, drv, Mode::Normal).failure();
        let text = format!(
            "builder for '{}' failed to produce output path for output 'out' at \"",
            world.print(&drv_path)
        );
        assert!(failure.message.starts_with(&text), "{failure}");

        let mut drv = shell("no-builder", "");
        drv.builder = b"/no/such/builder".to_vec();
        let outcome = world.build(drv);
        assert_eq!(
            outcome.lines,
            ["error: executing '/no/such/builder': No such file or directory"]
        );
        assert!(
            outcome
                .failure()
                .message
                .contains("builder failed with exit code 1.")
        );
    }
}

#[test]
fn times_and_logs_are_limited() {
    for mut world in World::both() {
        world.settings.max_silent_time = Some(Duration::from_millis(300));
        let start = Instant::now();
        let failure = world.build(shell("silent", "echo; sleep 20")).failure();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert!(start.elapsed() < Duration::from_secs(10));
        world
            .build(shell(
                "chatty",
                "for i in 1 2 3 4; do echo; sleep 0.1; done; echo > $out",
            ))
            .built();
        world.settings.timeout = Some(Duration::from_millis(500));
        let failure = world
            .build(shell("long", "while true; do echo; sleep 0.05; done"))
            .failure();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        world.settings.timeout = None;
        world.settings.max_build_log_size = 1000;
        let failure = world
            .build(shell("loud", "while true; do echo 1234567890; done"))
            .failure();
        assert_eq!(failure.kind, FailureKind::LogLimitExceeded);
        assert!(
            failure
                .message
                .contains("killed after writing more than 1000 bytes of log output")
        );
    }
}

#[test]
fn nothing_lives_on() {
    for world in World::both() {
        // The build itself ends at once; what it left in a session of its own, with nothing open, does not.
        let mark = world.path().join("mark");
        let script = format!(
            "(setsid sh -c 'exec <&- >&- 2>&-; sleep 1; echo > {0}; sleep 60' &); echo > $out",
            mark.display()
        );
        let start = Instant::now();
        world.build(shell("daemon", &script)).built();
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(1300));
        assert!(!mark.exists());

        // Nobody would hear of a builder that closes its log and goes on: as in the reference it is ended.
        let start = Instant::now();
        let failure = world
            .build(shell("quiet", "exec >&- 2>&-; sleep 60; echo > $out"))
            .failure();
        assert!(failure.message.contains("signal 9"), "{}", failure.message);
        assert!(start.elapsed() < Duration::from_secs(20));

        // Nor does anything live on that was dropped.
        let (drv_path, drv) = world.add(shell(
            "dropped",
            &format!("echo ready; sleep 1; echo > {}", mark.display()),
        ));
        let running = world.start(&drv_path, drv, Mode::Normal).unwrap();
        std::thread::sleep(Duration::from_millis(300));
        drop(running);
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!mark.exists());
        assert_eq!(
            std::fs::read_dir(world.path().join("state/builds"))
                .unwrap()
                .count(),
            0
        );
    }
}

#[test]
fn references_are_checked() {
    for world in World::both() {
        let leaf = world.store.add_text("leaf", b"leaf", &BTreeSet::new()).unwrap();
        let root = world
            .store
            .add_text("root", world.print(&leaf).as_bytes(), &[leaf.clone()].into())
            .unwrap();
        let with = |name: &str, attribute: &str, value: &str| {
            let mut drv = shell(name, "echo $root $out > $out");
            drv.input_srcs.insert(root.clone());
            set(&mut drv, "root", world.print(&root));
            set(&mut drv, attribute, value);
            world.build(drv)
        };
        let [leaf, root] = [&leaf, &root].map(|path| world.print(path));
        with("a", "allowedReferences", &format!("{root} out")).built();
        let message = with("b", "allowedReferences", "out").failure().message;
        assert!(
            message.contains("' is not allowed to refer to the following paths:\n  "),
            "{message}"
        );
        assert!(message.ends_with(&root), "{message}");
        let message = with("c", "allowedRequisites", &root).failure().message;
        assert!(message.ends_with(&format!("paths:\n  {leaf}")), "{message}");
        let message = with("d", "disallowedRequisites", &leaf).failure().message;
        assert!(message.ends_with(&format!("paths:\n  {leaf}")), "{message}");
        with("e", "disallowedReferences", &leaf).built();
        let message = with("f", "disallowedReferences", "nothing").failure().message;
        assert!(message.contains("contains output name 'nothing'"), "{message}");
    }
}

#[test]
fn rebuilding_shows_what_is_not_deterministic() {
    for mut world in World::both() {
        let (drv_path, drv) = world.add(shell("same", "echo $out > $out"));
        world.build_as(&drv_path, drv.clone(), Mode::Normal).built();
        world.build_as(&drv_path, drv, Mode::Check).built();
        let (drv_path, drv) = world.add(shell(
            "random",
            "echo $out > $out; head -c 10 /dev/urandom >> $out",
        ));
        let out = world
            .build_as(&drv_path, drv.clone(), Mode::Normal)
            .built()
            .outputs["out"]
            .clone();
        let before = world.store.query_path_info(&out).unwrap();
        let failure = world.build_as(&drv_path, drv.clone(), Mode::Check).failure();
        assert_eq!(failure.kind, FailureKind::NotDeterministic);
        let real = world.store.real_path(&out);
        assert_eq!(
            failure.message,
            format!(
                "derivation '{}' may not be deterministic: output \"{}\" differs",
                world.print(&drv_path),
                real.display()
            )
        );
        world.settings.keep_failed = true;
        let failure = world.build_as(&drv_path, drv, Mode::Check).failure();
        assert!(failure.message.ends_with(".check\""), "{failure}");
        let kept = std::path::PathBuf::from(format!("{}.check", real.display()));
        let first = std::fs::read(&kept).unwrap();
        assert!(first.starts_with(world.print(&out).as_bytes()));
        assert_eq!(
            world.store.query_path_info(&out).unwrap().nar_hash,
            before.nar_hash
        );
    }
}

#[test]
fn repairing_restores_the_same_contents() {
    for world in World::both() {
        let script = "mkdir $out; echo $out > $out/self; echo > $dev";
        let mut drv = shell("broken", script);
        drv.outputs.insert("dev".to_owned(), DerivationOutput::Deferred);
        let (drv_path, drv) = world.add(drv);
        let out = world
            .build_as(&drv_path, drv.clone(), Mode::Normal)
            .built()
            .outputs["out"]
            .clone();
        let before = world.store.query_path_info(&out).unwrap();
        let file = world.store.real_path(&out).join("self");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::write(&file, "broken").unwrap();
        world.build_as(&drv_path, drv, Mode::Repair).built();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), world.print(&out) + "\n");
        let after = world.store.query_path_info(&out).unwrap();
        assert_eq!(
            (before.nar_hash, &before.references),
            (after.nar_hash, &after.references)
        );
        let found =
            nivis_store::nar::hash_path(&world.store.real_path(&out), nivis_store::nar::accept_all).unwrap();
        assert_eq!(found.0, before.nar_hash);
        let left = world.store_entries();
        assert_eq!(
            left.iter().filter(|name| name.ends_with("-broken")).count(),
            1,
            "{left:?}"
        );
    }
}

#[test]
fn repairing_what_is_not_reproducible_is_final() {
    for world in World::both() {
        let (drv_path, drv) = world.add(shell("varies", "head -c 20 /dev/urandom > $out"));
        let built = world.build_as(&drv_path, drv.clone(), Mode::Normal).built();
        let out = built.outputs["out"].clone();
        let real = world.store.real_path(&out);
        let before = world.store.query_path_info(&out).unwrap().nar_hash;
        std::fs::remove_file(&real).unwrap();
        world.build_as(&drv_path, drv.clone(), Mode::Repair).built();
        let hash = || {
            nivis_store::nar::hash_path(&real, nivis_store::nar::accept_all)
                .unwrap()
                .0
        };
        let registered = world.store.query_path_info(&out).unwrap().nar_hash;
        assert_ne!(before, registered);
        assert_eq!(registered, hash());
        // What is good now is not made again.
        world.build_as(&drv_path, drv, Mode::Repair).built();
        assert_eq!(registered, hash());
    }
}

#[test]
fn files_and_profiles_are_made_by_builders_of_ours() {
    for world in World::both() {
        let file = world.path().join("a file");
        std::fs::write(&file, "contents").unwrap();
        let mut drv = shell("fetched", "");
        drv.builder = b"builtin:fetchurl".to_vec();
        let address = ContentAddress {
            method: ContentAddressMethod::Flat,
            hash: Hash::sha256(b"contents"),
        };
        drv.outputs
            .insert("out".to_owned(), DerivationOutput::Fixed(address));
        let url = format!("file://{}", file.display()).replace(' ', "%20");
        set(&mut drv, "url", &url);
        if world.settings.sandbox == nivis_builder::Sandbox::Off {
            assert_eq!(world.output(drv), "contents");
        } else {
            // The file is not in the sandbox.
            let outcome = world.build(drv);
            assert!(
                outcome.lines[0].starts_with("error: unable to download"),
                "{:?}",
                outcome.lines
            );
            assert_eq!(outcome.failure().kind, FailureKind::Transient);
        }

        let package = |name: &str, files: &[&str]| {
            let script: String = files
                .iter()
                .map(|file| format!("mkdir -p $out/$(dirname {file}); echo {name} > $out/{file}; "))
                .collect();
            let (drv_path, drv) = world.add(shell(name, &script));
            (
                world.build_as(&drv_path, drv, Mode::Normal).built().outputs["out"].clone(),
                drv_path,
            )
        };
        let one = package("one", &["bin/one", "share/a", "nix-support/x", ".hidden"]);
        let two = package("two", &["bin/two", "share/a"]);
        let profile = |name: &str, derivations: String| {
            let mut drv = shell(name, "");
            drv.builder = b"builtin:buildenv".to_vec();
            set(&mut drv, "derivations", derivations);
            set(&mut drv, "manifest", "/manifest");
            for (_, drv_path) in [&one, &two] {
                drv.input_drvs
                    .insert(drv_path.clone(), InputOutputs::from(["out"]));
            }
            world.build(drv)
        };
        let [first, second] = [&one.0, &two.0].map(|path| world.print(path));
        let built = profile("profile", format!("true 5 1 {second} true 4 1 {first}")).built();
        let out = world.store.real_path(&built.outputs["out"]);
        let read = |file: &str| std::fs::read_to_string(out.join(file)).unwrap();
        assert_eq!(
            [read("bin/one"), read("bin/two"), read("share/a")],
            ["one\n", "two\n", "one\n"]
        );
        assert!(!exists(&out.join("nix-support")) && !exists(&out.join(".hidden")));
        assert_eq!(
            std::fs::read_link(out.join("manifest.nix")).unwrap().to_str(),
            Some("/manifest")
        );
        let outcome = profile("conflict", format!("true 5 1 {second} true 5 1 {first}"));
        assert_eq!(
            outcome.lines[0],
            "error: Unable to build profile. There is a conflict for the following files:"
        );
        assert_eq!(outcome.lines[1], "");
        assert!(
            outcome.lines[2].starts_with("         \"/"),
            "{}",
            outcome.lines[2]
        );
        outcome.failure();
    }
}

#[test]
fn outputs_that_are_strange_are_refused() {
    for world in World::both() {
        let message = |name: &str, script: &str| world.build(shell(name, script)).failure().message;
        assert!(message("pipe", "mkfifo $out").contains("has an unsupported type"));
        assert!(
            message("open", "echo > $out; chmod 666 $out")
                .starts_with("suspicious ownership or permission on")
        );
        // What lies deeper is set right.
        world
            .build(shell(
                "deep",
                "mkdir $out; echo > $out/x; chmod 777 $out/x; chmod 755 $out",
            ))
            .built();
        world.build(shell("link", "ln -s /etc/shadow $out")).built();
    }
}

#[test]
fn failed_builds_are_kept_on_demand() {
    for mut world in World::both() {
        world.settings.keep_failed = true;
        let failure = world
            .build(shell("kept", "echo text > file; echo text > $out; false"))
            .failure();
        let left = world.store_entries();
        let left: Vec<_> = left.iter().filter(|name| name.ends_with("-kept")).collect();
        assert_eq!(left.len(), 1);
        let folder = failure.note.split('"').nth(1).expect("a folder").to_owned();
        assert!(failure.note.contains("note: keeping build directory"));
        assert_eq!(
            std::fs::read_to_string(format!("{folder}/file")).unwrap(),
            "text\n"
        );
    }
}

#[test]
fn sandbox_paths_may_be_links_and_missing() {
    let Some(mut world) = World::sandboxed() else {
        return;
    };
    let folder = world.path().join("shared");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("file"), "shared").unwrap();
    symlink("/given/file", world.path().join("link")).unwrap();
    for item in [
        format!("/given={}", folder.display()),
        format!("/deep/er/link={}", world.path().join("link").display()),
        "/missing?".to_owned(),
    ] {
        world
            .settings
            .sandbox_paths
            .push(nivis_builder::SandboxPath::parse(&item));
    }
    assert_eq!(
        world.output(shell(
            "paths",
            "cat /given/file /deep/er/link > $out; ls -d /missing || true"
        )),
        "sharedshared"
    );
    world
        .settings
        .sandbox_paths
        .push(nivis_builder::SandboxPath::parse("/absent"));
    let failure = world.build(shell("absent", "echo > $out")).failure();
    assert!(
        failure.message.contains("getting attributes of path \"/absent\""),
        "{failure}"
    );
}

#[test]
fn shells_run_where_builders_failed() {
    for mut world in World::both() {
        world.settings.debug_shell = true;
        let mut drv = shell("failed", "echo text > file; touch $out; exit 3");
        set(&mut drv, "mine", "yes");
        let (drv_path, drv) = world.add(drv);
        let mut running = world.start(&drv_path, drv, Mode::Normal).unwrap();
        while !running.read_log().unwrap().eof {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (failure, kept) = running.finish_keeping(&world.store).unwrap_err();
        assert!(failure.message.contains("exit code 3"), "{failure}");
        let mut kept = kept.unwrap();
        let input = tempfile::tempfile().unwrap();
        let mut output = tempfile::tempfile().unwrap();
        use std::io::{Read, Seek, Write};
        (&input)
            .write_all(b"PATH=/usr/bin:/bin; echo $mine $(cat file) $(id -u); ls $out; tty; exit 5\n")
            .unwrap();
        (&input).rewind().unwrap();
        let status = kept
            .run_shell(
                std::os::fd::AsFd::as_fd(&input),
                std::os::fd::AsFd::as_fd(&output),
            )
            .unwrap();
        assert_eq!(status.code(), Some(5));
        let mut text = String::new();
        output.rewind().unwrap();
        output.read_to_string(&mut text).unwrap();
        assert!(text.contains("yes text "), "{text}");
        assert!(
            text.contains("-failed\r\n") && !text.contains("No such file"),
            "{text}"
        );
        drop(kept);
        assert_eq!(
            std::fs::read_dir(world.path().join("state/builds"))
                .unwrap()
                .count(),
            0
        );
        // A build that succeeds is none the worse.
        world.build(shell("good", "echo > $out")).built();
    }
}
