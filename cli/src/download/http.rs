//! HTTP: one file with redirections, retries and resumption.

use super::netrc::{self, Login};
use super::{DownloadError, Watcher, certificates};
use crate::interrupt::interrupted;
use crate::settings::Settings;
use nivis_store::hash::{Hash, Hasher};
use nivis_store::io_error::IoError;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::NamedTempFile;
use ureq::ResponseExt;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// The first pause before trying again, in milliseconds; each further one is about twice as long.
pub(super) const BASE_DELAY: u64 = 250;
/// The same when the server says that there were too many requests.
const BUSY_DELAY: u64 = 60_000;
/// Bodies of errors that are shown are shorter than this, in bytes.
const MAX_SHOWN: u64 = 1024;

/// What the settings say.
#[derive(Clone, Debug)]
pub(super) struct HttpSettings {
    attempts: u64,
    connect_timeout: Option<Duration>,
    stalled_timeout: Option<Duration>,
    certificates: Option<PathBuf>,
    user_agent: String,
    netrc: PathBuf,
}

/// Connections, and who we are to whom.
pub(super) struct Client {
    agent: ureq::Agent,
    attempts: u64,
    logins: Vec<Login>,
}

/// What the server said.
pub(super) enum Answer {
    /// The version that is known already.
    Unchanged,
    /// A file.
    File(FetchedFile),
}

/// A file that was fetched.
pub(super) struct FetchedFile {
    pub(super) file: NamedTempFile,
    pub(super) hash: Hash,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) url: String,
}

impl HttpSettings {
    pub(super) fn new(settings: &Settings) -> HttpSettings {
        let seconds = |name| match settings.int(name) {
            seconds @ 1.. => Some(Duration::from_secs(seconds.unsigned_abs())),
            _ => None,
        };
        let suffix = settings.text("user-agent-suffix");
        HttpSettings {
            attempts: settings.int("download-attempts").max(1).unsigned_abs(),
            connect_timeout: seconds("connect-timeout"),
            stalled_timeout: seconds("stalled-download-timeout"),
            certificates: certificates(settings),
            user_agent: format!("nivis/{} {suffix}", env!("CARGO_PKG_VERSION"))
                .trim_end()
                .to_owned(),
            netrc: settings.text("netrc-file").into(),
        }
    }

    /// Reads certificates and logins.
    pub(super) fn client(&self) -> Result<Client, DownloadError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = self.certificates.as_ref().filter(|path| path.exists()) {
            let text = std::fs::read(path).map_err(|error| IoError::at("reading file", path, error))?;
            let certificates: Vec<Certificate<'static>> = parse_pem(&text)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                })
                .collect();
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .http_status_as_error(false)
            .user_agent(&self.user_agent)
            .timeout_connect(self.connect_timeout)
            .timeout_recv_response(self.stalled_timeout)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .build()
            .into();
        Ok(Client {
            agent,
            attempts: self.attempts,
            // Who has no such file is nobody in particular.
            logins: netrc::parse(&std::fs::read_to_string(&self.netrc).unwrap_or_default()),
        })
    }
}

/// Fetches a file, in several attempts if need be. What has arrived is not fetched again if the server can go on from
/// there.
pub(super) fn get(
    client: &Client,
    watcher: Watcher<'_>,
    folder: Option<&Path>,
    url: &str,
    etag: Option<&str>,
) -> Result<Answer, DownloadError> {
    watcher.begins(url);
    let mut partial = Partial::new(folder)?;
    for attempt in 1.. {
        let error = match partial.attempt(client, watcher, url, etag) {
            Ok(Some((etag, url))) => return Ok(Answer::File(partial.finish(etag, url))),
            Ok(None) => return Ok(Answer::Unchanged),
            Err(error) => error,
        };
        if !error.is_transient || attempt >= client.attempts {
            return Err(error);
        }
        let pause = delay(error.base_delay, attempt);
        let offset = match partial.size {
            0 => String::new(),
            size => format!(" from offset {size}"),
        };
        watcher.warning(&format!(
            "{error}; retrying{offset} in {} ms (attempt {attempt}/{})",
            pause.as_millis(),
            client.attempts
        ));
        sleep(pause, url)?;
    }
    Err(DownloadError::new(format!("unable to download '{url}'")))
}

/// The pause after an attempt: twice as long each time, and a bit more, so that not everybody comes back at once.
fn delay(base: u64, attempt: u64) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos());
    let chance = f64::from(nanos % 1000) / 2000.0;
    let factor = 2f64.powf(attempt.min(16) as f64 - 1.0 + chance);
    Duration::from_millis((base as f64 * factor) as u64)
}

fn sleep(pause: Duration, url: &str) -> Result<(), DownloadError> {
    let end = std::time::Instant::now() + pause;
    while std::time::Instant::now() < end {
        check_interrupt(url)?;
        let left = end.saturating_duration_since(std::time::Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    Ok(())
}

fn check_interrupt(url: &str) -> Result<(), DownloadError> {
    match interrupted() {
        true => Err(DownloadError::new(format!("download of '{url}' was interrupted"))),
        false => Ok(()),
    }
}

/// What has arrived so far.
struct Partial {
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
    /// The version that the bytes so far are of, if the server can go on from there.
    resumable: Option<String>,
}

impl Partial {
    /// Nothing yet; `folder` is where the file is made, if not where all temporary files are.
    fn new(folder: Option<&Path>) -> Result<Partial, DownloadError> {
        let file = folder.map_or_else(NamedTempFile::new, NamedTempFile::new_in);
        Ok(Partial {
            file: file.map_err(|error| IoError::during("creating temporary file", error))?,
            hasher: Hasher::sha256(),
            size: 0,
            resumable: None,
        })
    }

    /// One attempt: the version and the final URL; `None` if it is the version with that `etag`.
    fn attempt(
        &mut self,
        client: &Client,
        watcher: Watcher<'_>,
        url: &str,
        etag: Option<&str>,
    ) -> Result<Option<(String, String)>, DownloadError> {
        let mut request = client.agent.get(url);
        if let Some(credentials) = netrc::credentials(url, &client.logins) {
            request = request.header("Authorization", credentials);
        }
        if let Some(etag) = etag {
            request = request.header("If-None-Match", etag);
        }
        if self.size > 0 {
            match &self.resumable {
                Some(version) => {
                    request = request.header("Range", format!("bytes={}-", self.size));
                    if !version.is_empty() {
                        request = request.header("If-Range", version);
                    }
                }
                None => self.start_over()?,
            }
        }
        let response = request.call().map_err(|error| failure(url, &error))?;
        match response.status().as_u16() {
            304 => return Ok(None),
            206 if self.size > 0 => {}
            200 | 201 | 204 => self.start_over()?,
            status => return Err(http_error(url, status, response)),
        }
        let header = |name: &str| {
            let value = response.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let etag = header("etag");
        self.resumable = header("accept-ranges").contains("bytes").then(|| etag.clone());
        let total = header("content-length")
            .parse()
            .ok()
            .map(|left: u64| left + self.size);
        let final_url = response.get_uri().to_string();
        let mut meter = watcher.meter(url, total);
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            check_interrupt(url)?;
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(transient(url, &error)),
            };
            let written = self.file.write_all(&buffer[..count]);
            written.map_err(|error| IoError::at("writing to file", self.file.path(), error))?;
            self.hasher.update(&buffer[..count]);
            self.size += count as u64;
            if let Some(meter) = &mut meter {
                meter.update(self.size);
            }
        }
        if total.is_some_and(|total| self.size < total) {
            let message = "transfer closed with outstanding read data remaining";
            return Err(transient(url, message));
        }
        Ok(Some((etag, final_url)))
    }

    /// Forgets what has arrived.
    fn start_over(&mut self) -> Result<(), DownloadError> {
        let file = self.file.as_file_mut();
        let emptied = file.set_len(0).and_then(|()| file.rewind());
        emptied.map_err(|error| IoError::during("emptying temporary file", error))?;
        self.hasher = Hasher::sha256();
        self.size = 0;
        Ok(())
    }

    fn finish(self, etag: String, url: String) -> FetchedFile {
        FetchedFile {
            file: self.file,
            hash: self.hasher.finish(),
            size: self.size,
            etag,
            url,
        }
    }
}

fn transient(url: &str, reason: impl std::fmt::Display) -> DownloadError {
    DownloadError {
        is_transient: true,
        ..DownloadError::new(format!("unable to download '{url}': {reason}"))
    }
}

/// The error for an answer that is no file.
fn http_error(url: &str, status: u16, response: Response<ureq::Body>) -> DownloadError {
    let mut message = format!("unable to download '{url}': HTTP error {status}");
    let mut body = vec![];
    let read = response
        .into_body()
        .into_reader()
        .take(MAX_SHOWN)
        .read_to_end(&mut body);
    if read.is_ok() && (body.len() as u64) < MAX_SHOWN {
        let body = String::from_utf8_lossy(&body);
        let body = body.trim_end();
        if !body.is_empty() {
            message.push_str(&format!("\n\nresponse body:\n\n{body}"));
        }
    }
    // What the client did wrong will be wrong again; most of what the server did wrong will pass.
    let hopeless = match status {
        408 | 429 => false,
        400..=499 | 501 | 505 | 511 => true,
        _ => false,
    };
    DownloadError {
        is_transient: !hopeless,
        base_delay: if status == 429 { BUSY_DELAY } else { BASE_DELAY },
        message,
    }
}

/// The error for a request without an answer.
fn failure(url: &str, error: &ureq::Error) -> DownloadError {
    use ureq::Error;
    let host = url.split('/').nth(2).unwrap_or_default();
    let reason = match error {
        Error::HostNotFound => format!("Could not resolve hostname (6) Could not resolve host: {host}"),
        Error::ConnectionFailed => format!("Could not connect to server (7) Failed to connect to {host}"),
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            format!("Could not connect to server (7) Failed to connect to {host}")
        }
        Error::Timeout(_) => "Timeout was reached (28)".to_owned(),
        error => error.to_string(),
    };
    let hopeless = matches!(
        error,
        Error::BadUri(_) | Error::TooManyRedirects | Error::RedirectFailed | Error::InvalidProxyUrl
    );
    DownloadError {
        is_transient: !hopeless,
        ..transient(url, reason)
    }
}
