//! Clients of etcd that write and read all the time, each request on a new connection.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use super::{eventually, text, tool};

/// Longer than etcd tries to have a request agreed upon, which is 7 s.
const ATTEMPT: &str = "10";
/// Longer, for all that are left to be asked, than members take to choose a leader.
const PAUSE: Duration = Duration::from_secs(2);
/// Between the requests of one client, so that the members have the machine for the most part.
const REST: Duration = Duration::from_millis(40);

/// Who asks: what it trusts, and its own pair without `.crt` and `.key`. Both are read for each request.
#[derive(Clone)]
pub struct Client {
    pub name: &'static str,
    pub trust: PathBuf,
    pub pair: PathBuf,
}

impl Client {
    /// The answer to one request, or why there is none.
    fn ask(&self, url: &str, body: Option<&Value>) -> Result<String, String> {
        let file = |suffix: &str| format!("{}.{suffix}", text(&self.pair));
        let mut curl = Command::new(tool("curl"));
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
        curl.args(["--connect-timeout", "5", "--max-time", ATTEMPT]);
        curl.args(["--cacert", text(&self.trust)]);
        curl.args(["--cert", &file("crt"), "--key", &file("key")]);
        if let Some(body) = body {
            curl.args(["--data", &body.to_string()]);
        }
        let made = curl.arg(url).stdin(Stdio::null()).output();
        let made = made.map_err(|error| format!("cannot start curl: {error}"))?;
        if made.status.success() {
            Ok(String::from_utf8_lossy(&made.stdout).into_owned())
        } else {
            // Further lines tell what TLS is.
            let said = String::from_utf8_lossy(&made.stderr);
            let reason = said.lines().next().unwrap_or_default();
            Err(format!("{} at {url}: {reason}", self.name))
        }
    }

    /// What a server shows of itself.
    pub fn look(&self, endpoint: &str) -> Result<String, String> {
        self.ask(&format!("https://{endpoint}/"), None)
    }

    /// What one member answers.
    pub fn call(&self, endpoint: &str, method: &str, body: &Value) -> Result<Value, String> {
        let url = format!("https://{endpoint}/v3/kv/{method}");
        let said = self.ask(&url, Some(body))?;
        serde_json::from_str(&said).map_err(|error| format!("{url}: {error}: {said}"))
    }

    /// What the first member answers that answers. Each is asked once.
    pub fn request(
        &self,
        endpoints: &[String],
        method: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let mut failed = Vec::new();
        for endpoint in endpoints {
            if !failed.is_empty() {
                thread::sleep(PAUSE);
            }
            match self.call(endpoint, method, body) {
                Ok(answer) => return Ok(answer),
                Err(error) => failed.push(error),
            }
        }
        Err(failed.join("; "))
    }
}

/// A writer and a reader of each client, until this ends.
pub struct Load {
    endpoints: Vec<String>,
    stop: Arc<AtomicBool>,
    failed: Arc<Mutex<Vec<String>>>,
    /// How many requests of each have been answered, in the order of [`Self::threads`].
    answered: Vec<Arc<AtomicUsize>>,
    threads: Vec<JoinHandle<()>>,
    writers: Vec<(&'static str, Arc<AtomicUsize>)>,
}

impl Load {
    pub fn of(clients: &[Client], endpoints: &[String]) -> Self {
        let mut load = Self {
            endpoints: endpoints.to_vec(),
            stop: Arc::default(),
            failed: Arc::default(),
            answered: Vec::new(),
            threads: Vec::new(),
            writers: Vec::new(),
        };
        for client in clients {
            let written = Arc::<AtomicUsize>::default();
            load.writers.push((client.name, Arc::clone(&written)));
            let (writer, last) = (client.clone(), Arc::clone(&written));
            load.run(move |endpoints, _| {
                let number = last.load(Ordering::SeqCst);
                let body = json!({ "key": key(writer.name, number), "value": value(number) });
                writer.request(endpoints, "put", &body)?;
                last.store(number + 1, Ordering::SeqCst);
                Ok(())
            });
            let reader = client.clone();
            load.run(move |endpoints, turn| {
                let known = written.load(Ordering::SeqCst);
                if known == 0 {
                    return Ok(());
                }
                // The last one that was written, and one of those before.
                let number = if turn % 2 == 0 {
                    known - 1
                } else {
                    turn % known
                };
                let body = json!({ "key": key(reader.name, number) });
                let said = reader.request(endpoints, "range", &body)?;
                if said["kvs"][0]["value"] == value(number) {
                    Ok(())
                } else {
                    Err(format!("{} lost {number}: {said}", reader.name))
                }
            });
        }
        load
    }

    /// Does something again and again, each time beginning with another member.
    fn run(&mut self, once: impl Fn(&[String], usize) -> Result<(), String> + Send + 'static) {
        let answered = Arc::<AtomicUsize>::default();
        self.answered.push(Arc::clone(&answered));
        let (stop, failed) = (Arc::clone(&self.stop), Arc::clone(&self.failed));
        let mut endpoints = self.endpoints.clone();
        self.threads.push(thread::spawn(move || {
            for turn in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                match once(&endpoints, turn) {
                    Ok(()) => {
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => failed.lock().expect("failures").push(error),
                }
                endpoints.rotate_left(1);
                thread::sleep(REST);
            }
        }));
    }

    /// Waits until each has made as many requests as there are members, so that each member was asked since.
    #[track_caller]
    pub fn goes_on(&self) {
        let count = |of: &Arc<AtomicUsize>| of.load(Ordering::SeqCst);
        let wanted: Vec<_> = self
            .answered
            .iter()
            // One may have begun before.
            .map(|of| count(of) + self.endpoints.len() + 1)
            .collect();
        eventually(Duration::from_mins(1), || {
            self.assert_unharmed();
            let mut behind = self.answered.iter().zip(&wanted);
            match behind.find(|(of, wanted)| count(of) < **wanted) {
                None => Ok(()),
                Some(_) => Err("requests go on".to_owned()),
            }
        });
    }

    #[track_caller]
    fn assert_unharmed(&self) {
        // Not within the assertion: the threads still need it.
        let failed = self.failed.lock().expect("failures").clone();
        assert!(failed.is_empty(), "requests failed: {failed:#?}");
    }

    /// Ends it. No request had failed; what was written, by its keys.
    #[track_caller]
    pub fn end(mut self) -> BTreeMap<String, String> {
        self.join();
        self.assert_unharmed();
        let of = |(name, written): &(&'static str, Arc<AtomicUsize>)| {
            let name = *name;
            let count = written.load(Ordering::SeqCst);
            (0..count).map(move |number| (key(name, number), value(number)))
        };
        self.writers.iter().flat_map(of).collect()
    }

    fn join(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            // Where one panicked, this may be the end of a test that did.
            if thread.join().is_err() {
                let mut failed = self.failed.lock().expect("failures");
                failed.push("a client panicked".to_owned());
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.join();
    }
}

/// All that one member has of what any load wrote.
pub fn kept(client: &Client, endpoint: &str) -> BTreeMap<String, String> {
    // The octet after '/' ends the range.
    let range = json!({ "key": encoded("load/"), "range_end": encoded("load0") });
    let said = eventually(Duration::from_secs(30), || {
        client.call(endpoint, "range", &range)
    });
    let field = |entry: &Value, name: &str| entry[name].as_str().expect("a string").to_owned();
    let entries = said["kvs"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| (field(entry, "key"), field(entry, "value")))
        .collect()
}

fn key(client: &str, number: usize) -> String {
    encoded(&format!("load/{client}/{number:06}"))
}

fn value(number: usize) -> String {
    encoded(&format!("value {number}"))
}

/// As the members' gateway has octets.
fn encoded(words: &str) -> String {
    Base64::encode_string(words.as_bytes())
}

/// Puts a copy in the place of a file, whole at any moment.
pub fn load_anew(from: &Path, to: &Path) {
    let beside = to.with_extension("new");
    super::write(&beside, super::read(from));
    std::fs::rename(&beside, to).expect("rename a file");
}
