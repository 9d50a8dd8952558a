//! What listings say of the store and the profile is never stale, although the rest comes from the index.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use tempfile::TempDir;

/// A store of its own with two packages that can be built, and what is asked of them.
struct Shop {
    root: TempDir,
}

/// Listings that say something about the store or the profile.
const ASKED: &[&[&str]] = &[
    &["-qas"],
    &["-qasP", "--description", "--out-path"],
    &["-qas", "--xml", "--out-path"],
    &["-qas", "--json"],
    &["-qac"],
    &["-qac", "--xml"],
    &["-qacs", "--no-name"],
    &["-qc"],
    &["-qcs"],
    &["-qab"],
    &["-qabs", "--xml"],
    &["-qasP", "one"],
    &["-qs", "--xml"],
];

impl Shop {
    fn new() -> Shop {
        let shop = Shop {
            root: TempDir::new().unwrap(),
        };
        fs::create_dir(shop.root.path().join("etc")).unwrap();
        shop.stock("1");
        shop
    }

    /// Has packages of that version on offer.
    fn stock(&self, version: &str) {
        let text = format!(
            "let d = name: derivation {{ inherit name; system = \"x86_64-linux\"; builder = \"/bin/sh\"; \
             args = [ \"-c\" \"{}; echo x > $out/$name\" ]; PATH = \"/usr/bin:/bin\"; }}; in \
             {{ one = d \"one-{version}\" // {{ meta.description = \"a - and\\nb\"; }}; two = d \"two-{version}\"; \
             more = {{ recurseForDerivations = true; late = d \"late-2\"; }}; }}",
            "mkdir $out"
        );
        fs::write(self.root.path().join("shop.nix"), text).unwrap();
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let path = self.root.path().canonicalize().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_nivis"))
            .arg(program)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", &path)
            .env("NIX_STORE_DIR", path.join("store"))
            .env("NIX_STATE_DIR", path.join("var"))
            .env("NIX_LOG_DIR", path.join("log"))
            .env("NIX_CONF_DIR", path.join("etc"))
            .env(
                "NIX_CONFIG",
                "sandbox = false\nbuild-users-group =\nsubstituters =",
            )
            .current_dir(&path)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(output.status.success(), "{program} {args:?}: {text}");
        text
    }

    fn list(&self, args: &[&str], more: &[&str]) -> String {
        self.run("nix-env", &[&["-f", "shop.nix"], args, more].concat())
    }

    /// The entries of the index by their inodes.
    fn entries(&self) -> Vec<u64> {
        let folder = self.root.path().join(".cache/nix/nivis-listings");
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut entries: Vec<u64> = entries
            .map(|entry| entry.unwrap().metadata().unwrap().ino())
            .collect();
        entries.sort_unstable();
        entries
    }
}

/// What happens to the shop's store, profile or packages.
type Event = (&'static str, fn(&Shop));

static EVENTS: &[Event] = &[
    ("nothing", |_| {}),
    ("a package is built", |shop| {
        shop.run("nix-build", &["shop.nix", "-A", "one", "--no-out-link"]);
    }),
    ("it is installed", |shop| {
        shop.list(&["-i", "one"], &[]);
    }),
    ("another is installed", |shop| {
        shop.list(&["-i", "two"], &[]);
    }),
    ("the first is removed", |shop| {
        shop.run("nix-env", &["-e", "one"]);
    }),
    ("what is not in use is collected", |shop| {
        shop.run("nix-collect-garbage", &["-d"]);
    }),
    ("there are newer ones", |shop| shop.stock("2")),
    ("all are upgraded", |shop| {
        shop.list(&["-u"], &[]);
    }),
    ("there are only the old ones", |shop| shop.stock("1")),
    ("the profile goes back", |shop| {
        shop.run("nix-env", &["--rollback"]);
    }),
    ("the profile is another", |shop| {
        shop.run("nix-env", &["--switch-profile", "other"]);
    }),
    ("that has a package", |shop| {
        shop.list(&["-iA", "more.late"], &[]);
    }),
    ("the profile is lost", |shop| {
        fs::remove_file(shop.root.path().join(".nix-profile")).unwrap();
    }),
];

/// Validity, status and comparisons are those of the moment; `-s` does not need another evaluation for that.
#[test]
fn what_the_store_and_the_profile_say_is_looked_up_anew() {
    let shop = Shop::new();
    let (mut seen, mut asked) = (BTreeSet::new(), 0);
    for (name, event) in EVENTS {
        event(&shop);
        for args in ASKED {
            let plain = shop.list(args, &["--no-listing-index"]);
            for time in ["first", "second"] {
                assert_eq!(shop.list(args, &[]), plain, "{name}, {args:?}, {time} time");
                asked += 1;
            }
            let other = ["-p", "nowhere"];
            assert_eq!(
                shop.list(args, &other),
                shop.list(args, &["-p", "nowhere", "--no-listing-index"]),
                "{name}, {args:?}, another profile"
            );
            seen.insert(plain);
        }
    }
    assert!(
        seen.len() > 60,
        "only {} different listings of {asked}",
        seen.len()
    );

    let shop = Shop::new();
    let before = shop.list(&["-qasP"], &[]);
    let entries = shop.entries();
    assert_eq!(entries.len(), 1);
    shop.list(&["-i", "two"], &[]);
    let after = shop.list(&["-qasP"], &[]);
    assert_eq!(shop.entries(), entries, "answered from the index");
    assert_eq!(before.replace("---  two", "IP-  two"), after);
}
