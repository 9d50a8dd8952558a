//! Fetching over HTTP, from a server in this process.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A request: its path and its headers, names in lower case.
#[derive(Clone, Debug)]
struct Request {
    path: String,
    headers: HashMap<String, String>,
}

/// What to answer to a request; the number counts the requests so far.
type Answer = Box<dyn Fn(&Request, usize) -> Vec<u8> + Send>;

/// A server, and what it was asked.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn new(answer: impl Fn(&Request, usize) -> Vec<u8> + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(vec![]));
        let seen = requests.clone();
        let answer: Answer = Box::new(answer);
        // The thread ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), &seen, &answer);
            }
        });
        Server { port, requests }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let request = Request { path, headers };
    let count = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len()
    };
    stream.write_all(&answer(&request, count))?;
    stream.flush()
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn ok(body: &[u8]) -> Vec<u8> {
    response("200 OK", "", body)
}

/// Runs a command with a home and a store of its own.
fn nivis(home: &TempDir, args: &[&str]) -> Output {
    let home = home.path();
    Command::new(env!("CARGO_BIN_EXE_nivis"))
        .args(args)
        .env_clear()
        .env("HOME", home)
        .env("NIX_STORE_DIR", home.join("store"))
        .env("NIX_STATE_DIR", home.join("state"))
        .env("NIX_LOG_DIR", home.join("log"))
        .env("NIX_CONF_DIR", home.join("conf"))
        .env("NIX_CONFIG", "sandbox = false\nbuild-users-group =")
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
}

fn read_url(home: &TempDir, url: &str, more: &[&str]) -> Output {
    let expression = format!("builtins.readFile (builtins.fetchurl \"{url}\")");
    let mut args = vec![
        "nix-instantiate",
        "--eval",
        "--raw",
        "--read-write-mode",
        "-E",
        &expression,
    ];
    args.extend(more);
    nivis(home, &args)
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn versions_are_cached_by_etag() {
    let server = Server::new(|request, _| match request.headers.get("if-none-match") {
        Some(tag) if tag == "\"one\"" => response("304 Not Modified", "etag: \"one\"\r\n", b""),
        _ => response("200 OK", "etag: \"one\"\r\n", b"first"),
    });
    let home = TempDir::new().unwrap();
    let url = server.url("/file");
    for more in [&[][..], &[], &["--tarball-ttl", "0"]] {
        let output = read_url(&home, &url, more);
        assert_eq!(stdout(&output), "first", "{}", stderr(&output));
    }
    let asked: Vec<bool> = server
        .requests()
        .iter()
        .map(|request| request.headers.contains_key("if-none-match"))
        .collect();
    assert_eq!(asked, [false, true], "within the time to live nobody is asked");
}

#[test]
fn changed_files_are_fetched_again_and_dead_servers_forgiven() {
    let server = Server::new(|_, count| match count {
        1 | 2 => response(
            "200 OK",
            &format!("etag: \"{count}\"\r\n"),
            format!("version {count}").as_bytes(),
        ),
        _ => response("404 Not Found", "", b"gone"),
    });
    let home = TempDir::new().unwrap();
    let url = server.url("/file");
    let get = || read_url(&home, &url, &["--tarball-ttl", "0"]);
    assert_eq!(stdout(&get()), "version 1");
    assert_eq!(stdout(&get()), "version 2");
    let output = get();
    assert_eq!(stdout(&output), "version 2");
    let expected = format!("warning: unable to download '{url}': HTTP error 404");
    assert!(stderr(&output).starts_with(&expected), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("; using cached version"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn passing_troubles_are_waited_for_and_lasting_ones_reported() {
    let server = Server::new(|request, count| match request.path.as_str() {
        "/later" if count < 3 => response("503 Service Unavailable", "", b"busy"),
        "/later" => ok(b"at last"),
        _ => response("404 Not Found", "", b"no such file"),
    });
    let home = TempDir::new().unwrap();
    let output = read_url(&home, &server.url("/later"), &[]);
    assert_eq!(stdout(&output), "at last", "{}", stderr(&output));
    assert!(stderr(&output).contains("HTTP error 503"), "{}", stderr(&output));
    assert!(stderr(&output).contains("(attempt 1/5)") && stderr(&output).contains("(attempt 2/5)"));
    let output = read_url(&home, &server.url("/never"), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("HTTP error 404"), "{}", stderr(&output));
    assert!(stderr(&output).contains("no such file"), "{}", stderr(&output));
    assert_eq!(server.requests().len(), 4, "what is not there is asked for once");
    let output = read_url(&home, &server.url("/later?"), &["--download-attempts", "1"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn broken_transfers_go_on_where_they_broke() {
    let body: Vec<u8> = (0..200_000u32).map(|i| b'a' + (i % 26) as u8).collect();
    let whole = body.clone();
    let server = Server::new(move |request, _| match request.headers.get("range") {
        None => {
            let headers = "accept-ranges: bytes\r\netag: \"v\"\r\n";
            let mut answer = response("200 OK", headers, &whole);
            answer.truncate(120_000);
            answer
        }
        Some(range) => {
            let start: usize = range
                .trim_start_matches("bytes=")
                .trim_end_matches('-')
                .parse()
                .unwrap();
            response("206 Partial Content", "accept-ranges: bytes\r\n", &whole[start..])
        }
    });
    let home = TempDir::new().unwrap();
    let output = read_url(&home, &server.url("/large"), &[]);
    assert_eq!(output.stdout, body, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("retrying from offset"),
        "{}",
        stderr(&output)
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        requests[1].headers.get("if-range").map(String::as_str),
        Some("\"v\"")
    );
}

#[test]
fn redirections_are_followed() {
    let server = Server::new(|request, _| match request.path.as_str() {
        "/new" => ok(b"moved"),
        _ => response("302 Found", "location: /new\r\n", b""),
    });
    let home = TempDir::new().unwrap();
    let output = read_url(&home, &server.url("/old"), &[]);
    assert_eq!(stdout(&output), "moved", "{}", stderr(&output));
}

#[test]
fn hashes_are_checked() {
    let server = Server::new(|_, _| ok(b"text"));
    let home = TempDir::new().unwrap();
    let expression = format!(
        "builtins.fetchurl {{ url = \"{}\"; sha256 = \"{}\"; }}",
        server.url("/file"),
        "0".repeat(64)
    );
    let args = [
        "nix-instantiate",
        "--eval",
        "--read-write-mode",
        "-E",
        &expression,
    ];
    let output = nivis(&home, &args);
    assert_eq!(output.status.code(), Some(102));
    let message = stderr(&output);
    assert!(
        message.contains("hash mismatch in file downloaded from"),
        "{message}"
    );
}

#[test]
fn prefetching_prints_the_hash() {
    let server = Server::new(|_, _| ok(b"text"));
    let home = TempDir::new().unwrap();
    let output = nivis(
        &home,
        &["nix-prefetch-url", "--print-path", &server.url("/a-1.0.txt")],
    );
    let text = stdout(&output);
    let mut lines = text.lines();
    let hash = "0j3k7knyrqb9pd8qfgxk8aml7b3xi6ig20gkg5s47vk3vnnyl8mq";
    assert_eq!(
        lines.next().map(str::len),
        Some(hash.len()),
        "{}",
        stderr(&output)
    );
    assert!(
        lines.next().is_some_and(|path| path.ends_with("-a-1.0.txt")),
        "{text}"
    );
    // What is there is not fetched again.
    let again = nivis(
        &home,
        &[
            "nix-prefetch-url",
            &server.url("/a-1.0.txt"),
            text.lines().next().unwrap(),
        ],
    );
    assert_eq!(stdout(&again).lines().next(), text.lines().next());
    assert_eq!(server.requests().len(), 1);
}

/// A tar archive of one channel.
fn channel(version: &str) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let tree = folder.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    let expression =
        format!("{{ pkg = derivation {{ name = \"pkg-{version}\"; system = \"s\"; builder = \"b\"; }}; }}");
    std::fs::write(tree.join("default.nix"), expression).unwrap();
    let archive = Command::new("tar")
        .args(["-cJf", "-", "tree"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(archive.status.success());
    archive.stdout
}

#[test]
fn channels_are_updated_and_rolled_back() {
    let version = Arc::new(Mutex::new("1"));
    let current = version.clone();
    let server = Server::new(move |request, _| match request.path.as_str() {
        "/chan" => response("302 Found", "location: /releases/7\r\n", b""),
        "/releases/7" => ok(b"an index"),
        "/releases/7/nixexprs.tar.xz" => ok(&channel(*current.lock().unwrap())),
        _ => response("404 Not Found", "", b""),
    });
    let home = TempDir::new().unwrap();
    let run = |args: &[&str]| {
        let output = nivis(&home, args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    run(&["nix-channel", "--add", &server.url("/chan"), "c"]);
    let update = ["nix-channel", "--update", "--tarball-ttl", "0"];
    run(&update);
    assert_eq!(run(&["nix-env", "-qaP"]), "c.pkg  pkg-1\n");
    *version.lock().unwrap() = "2";
    run(&update);
    assert_eq!(run(&["nix-env", "-qaP"]), "c.pkg  pkg-2\n");
    run(&["nix-channel", "--rollback"]);
    assert_eq!(run(&["nix-env", "-qaP"]), "c.pkg  pkg-1\n");
    assert_eq!(run(&["nix-channel", "--list-generations"]).lines().count(), 2);
    run(&["nix-channel", "--remove", "c"]);
    assert_eq!(run(&["nix-env", "-qaP"]), "");
}

/// Builds what `<nix/fetchurl.nix>` makes of arguments.
fn fetch_by_building(home: &TempDir, arguments: &str, more: &[&str]) -> Output {
    let expression = format!("import <nix/fetchurl.nix> {{ {arguments} }}");
    let mut args = vec!["nix-build", "--no-out-link", "-E", &expression];
    args.extend(["--option", "download-attempts", "2"]);
    args.extend(more);
    nivis(home, &args)
}

/// The base-16 SHA-256 of a file with that text.
fn flat_hash(home: &TempDir, text: &str) -> String {
    let file = home.path().join("to-hash");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let output = nivis(home, &["nix-hash", "--flat", "--type", "sha256", file]);
    stdout(&output).trim().to_owned()
}

#[test]
fn builds_fetch_files() {
    let server = Server::new(|request, count| match request.path.as_str() {
        "/flaky" if count == 1 => response("500 Internal Server Error", "", b""),
        "/file" | "/flaky" => ok(b"contents"),
        "/moved" => response("302 Found", "location: /file\r\n", b""),
        _ => response("404 Not Found", "", b""),
    });
    let home = TempDir::new().unwrap();
    let hash = flat_hash(&home, "contents");
    let fetch = |path: &str| {
        let url = server.url(path);
        fetch_by_building(
            &home,
            &format!(
                "name = \"x{}\"; url = \"{url}\"; sha256 = \"{hash}\";",
                &path[1..]
            ),
            &[],
        )
    };
    for path in ["/flaky", "/file", "/moved"] {
        let output = fetch(path);
        let text = std::fs::read_to_string(stdout(&output).trim()).unwrap_or_else(|_| stderr(&output));
        assert_eq!(text, "contents");
        assert_eq!(
            path == "/flaky",
            stderr(&output).contains("\nwarning: unable to download")
        );
    }
    let output = fetch("/gone");
    assert_eq!(
        output.status.code(),
        Some(1),
        "what has the network may do better next time"
    );
    assert!(
        stderr(&output).contains("/gone': HTTP error 404"),
        "{}",
        stderr(&output)
    );
    let url = server.url("/file");
    let output = fetch_by_building(
        &home,
        &format!("url = \"{url}\"; sha256 = \"{}\";", "0".repeat(64)),
        &[],
    );
    assert_eq!(output.status.code(), Some(102));
    assert!(stderr(&output).contains("hash mismatch in fixed-output derivation"));
}

#[test]
fn builds_unpack_archives_and_make_programs() {
    let home = TempDir::new().unwrap();
    let tree = home.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(tree.join("a"), "a").unwrap();
    let tree = tree.to_str().unwrap();
    let dump = |path: &str| nivis(&home, &["nix-store", "--dump", path]).stdout;
    let nar = dump(tree);
    let archive = home.path().join("tree.nar");
    std::fs::write(&archive, &nar).unwrap();
    assert!(
        Command::new("xz")
            .arg("-k")
            .arg(&archive)
            .status()
            .unwrap()
            .success()
    );
    let packed = std::fs::read(home.path().join("tree.nar.xz")).unwrap();
    let server = Server::new(move |request, _| match request.path.as_str() {
        "/tree.nar" => ok(&nar),
        "/tree.nar.xz" => ok(&packed),
        _ => ok(b"#!/bin/sh\necho ran\n"),
    });
    let hash = stdout(&nivis(&home, &["nix-hash", "--type", "sha256", tree]));
    for path in ["/tree.nar", "/tree.nar.xz"] {
        let arguments = format!(
            "name = \"tree{}\"; url = \"{}\"; unpack = true; sha256 = \"{}\";",
            path.len(),
            server.url(path),
            hash.trim()
        );
        let output = fetch_by_building(&home, &arguments, &[]);
        let made = stdout(&output);
        assert_eq!(dump(made.trim()), dump(tree), "{}", stderr(&output));
    }
    let script = home.path().join("script");
    std::fs::write(&script, "#!/bin/sh\necho ran\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    let hash = stdout(&nivis(
        &home,
        &["nix-hash", "--type", "sha256", script.to_str().unwrap()],
    ));
    let arguments = format!(
        "url = \"{}\"; executable = true; sha256 = \"{}\";",
        server.url("/script"),
        hash.trim()
    );
    let made = stdout(&fetch_by_building(&home, &arguments, &[]));
    assert_eq!(stdout(&Command::new(made.trim()).output().unwrap()), "ran\n");
}

#[test]
fn mirrors_and_logins_are_tried() {
    let home = TempDir::new().unwrap();
    let hash = flat_hash(&home, "contents");
    let on_mirror = format!("/m/sha256/{hash}");
    let server = Server::new(move |request, _| match request.path.as_str() {
        path if path == on_mirror => ok(b"contents"),
        // `user:secret`
        "/private"
            if request.headers.get("authorization").map(String::as_str) == Some("Basic dXNlcjpzZWNyZXQ=") =>
        {
            ok(b"contents")
        }
        "/private" => response("401 Unauthorized", "", b""),
        _ => response("404 Not Found", "", b""),
    });
    let fetch = |name: &str, more: &[&str]| {
        let url = server.url(&format!("/{name}"));
        let arguments = format!(
            "name = \"{name}-{}\"; url = \"{url}\"; sha256 = \"{hash}\";",
            more.len()
        );
        fetch_by_building(&home, &arguments, more)
    };
    let mirrors = format!("{} {}", server.url("/none/"), server.url("/m"));
    let output = fetch("gone", &["--option", "hashed-mirrors", &mirrors]);
    assert!(output.status.success(), "{}", stderr(&output));
    let paths: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        [format!("/none/sha256/{hash}"), format!("/m/sha256/{hash}")]
    );

    let output = fetch("private", &[]);
    assert!(stderr(&output).contains("HTTP error 401"), "{}", stderr(&output));
    let netrc = home.path().join("netrc");
    std::fs::write(&netrc, "machine 127.0.0.1\n login user password secret\n").unwrap();
    let output = fetch("private", &["--netrc-file", netrc.to_str().unwrap()]);
    assert!(output.status.success(), "{}", stderr(&output));
}
