//! Logins for hosts: the file that `netrc-file` names, and those in URLs.

use crate::percent;

/// Who we are to a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Login {
    /// `None` for hosts that no other login is for.
    host: Option<String>,
    user: String,
    password: String,
}

/// Reads a netrc file. What is amiss is skipped, as curl does.
pub(super) fn parse(text: &str) -> Vec<Login> {
    let mut logins: Vec<Login> = vec![];
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(words);
    while let Some(word) = words.next() {
        match (&*word, logins.last_mut()) {
            ("machine", _) => logins.push(Login {
                host: words.next(),
                ..Login::default()
            }),
            ("default", _) => logins.push(Login::default()),
            ("login", Some(login)) => login.user = words.next().unwrap_or_default(),
            ("password", Some(login)) => login.password = words.next().unwrap_or_default(),
            ("account" | "macdef", _) => drop(words.next()),
            _ => {}
        }
    }
    logins
}

/// The words of a line; quotes hold together what has blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|char| char.is_whitespace()).is_some() {}
        let Some(&first) = chars.peek() else {
            return words;
        };
        let mut word = String::new();
        if first == '"' {
            chars.next();
            while let Some(char) = chars.next().filter(|&char| char != '"') {
                match char {
                    '\\' => word.extend(chars.next()),
                    _ => word.push(char),
                }
            }
        } else {
            while let Some(char) = chars.next_if(|char| !char.is_whitespace()) {
                word.push(char);
            }
        }
        words.push(word);
    }
}

/// The value of the header `Authorization`, if we are anybody to the URL's host. What the URL says comes first.
pub(super) fn credentials(url: &str, logins: &[Login]) -> Option<String> {
    let authority = url.split("://").nth(1)?.split(['/', '?', '#']).next()?;
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((user_info, host)) => (Some(user_info), host),
        None => (None, authority),
    };
    let (user, password) = match user_info {
        Some(user_info) => {
            let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
            (percent::decode(user), percent::decode(password))
        }
        None => {
            let name = match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
                _ => host,
            };
            let login = logins
                .iter()
                .find(|login| login.host.as_deref().is_none_or(|host| host == name))?;
            (
                login.user.clone().into_bytes(),
                login.password.clone().into_bytes(),
            )
        }
    };
    Some(format!(
        "Basic {}",
        base64(&[&user, &b":"[..], &password].concat())
    ))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk
            .iter()
            .fold(0u32, |number, &byte| number << 8 | u32::from(byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            text.push(match place <= chunk.len() {
                true => DIGITS[(number >> (18 - 6 * place)) as usize & 63].into(),
                false => '=',
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_by_host() {
        let logins =
            parse("# x\nmachine a.b login u password \"p \\\"q\"\nmachine c\n  login v password w\n");
        let get = |url: &str| credentials(url, &logins);
        assert_eq!(
            get("http://a.b:80/x"),
            Some(format!("Basic {}", base64(b"u:p \"q")))
        );
        assert_eq!(get("https://c/x"), Some("Basic djp3".to_owned()));
        assert_eq!(get("https://d/x@c"), None);
        assert_eq!(get("https://x%20:y@c/x"), Some("Basic eCA6eQ==".to_owned()));
        assert_eq!(
            credentials("http://d/", &parse("default login v password w")),
            Some("Basic djp3".to_owned())
        );
    }
}
