//! `certs kubeconfig bootstrap-kubelet`: the kubeconfig by which a kubelet that has no certificate yet
//! asks for one, and the Secret that makes its token good.

use time::Duration;
use zeroize::Zeroizing;

use super::around::{
    Wrong, facts, lock_timeout, passphrase, quiet, roots, settled, severity, shape, stopped,
};
use super::give::Give;
use super::refresh::known;
use super::sequence::{commit, writer};
use super::{Env, Outcome, Stop};
use crate::cli::Bootstrap;
use crate::diff::KEY_MODE;
use crate::facts::{Facts, Given};
use crate::finding::Code;
use crate::key;
use crate::kubeconfig::{Credentials, Entry, write};
use crate::location::{FileId, Owner, Root};
use crate::manifest::{bootstrap_token, manifests};
use crate::outcome::Exit;
use crate::profile::bootstrap_server;
use crate::profile::flags::BOOTSTRAP_KUBECONFIG;
use crate::report::{Handed, noted};
use crate::store::{Change, FileContent, Store};
use crate::x509::cert::Certificate;
use crate::x509::validity::parse_duration;

const VERB: &str = "kubeconfig bootstrap-kubelet";
const FILE: &str = BOOTSTRAP_KUBECONFIG;
/// As kubeadm calls it.
const USER: &str = "tls-bootstrap-token-user";
const MODE: u32 = 0o600;

pub(crate) fn run(verb: Bootstrap, env: &mut Env<'_>) -> Outcome {
    let format = shape(verb.run.output, verb.run.quiet, env);
    let result = if verb.token_secret {
        let mut notes = Vec::new();
        secret(&verb, &mut notes, env).map(|stdout| Outcome {
            stdout,
            stderr: noted(&notes),
            exit: Exit::Done,
        })
    } else {
        attempt(verb, env).map(|report| {
            let (stdout, stderr) = report.render(&format);
            Outcome {
                stdout,
                stderr,
                exit: report.exit(),
            }
        })
    };
    result.unwrap_or_else(|stop| stopped(stop, &format))
}

/// A token in its two parts. What it is stands in no error.
struct Token(Zeroizing<String>);

impl Token {
    fn read(verb: &Bootstrap, notes: &mut Vec<String>) -> Result<Self, Stop> {
        let bytes = passphrase(&verb.token_file, "--token-file", notes)?;
        let part = |text: &str, length| {
            let plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
            text.len() == length && text.bytes().all(plain)
        };
        std::str::from_utf8(&bytes)
            .ok()
            .filter(|text| {
                let parts = text.split_once('.');
                parts.is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
            })
            .map(|text| Self(Zeroizing::new(text.to_owned())))
            .ok_or_else(|| {
                Stop::usage(format!(
                    "--token-file: what {} holds is no bootstrap token: six lower-case letters or \
                     digits, a dot, and sixteen more",
                    verb.token_file.display()
                ))
            })
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('.').unwrap_or_default()
    }
}

/// The Secret, on standard output; nothing is read but the token, and nothing written.
fn secret(verb: &Bootstrap, notes: &mut Vec<String>, env: &Env<'_>) -> Result<Vec<u8>, Stop> {
    if env.terminal && !verb.to_terminal {
        return Err(Stop::usage(
            "standard output is a terminal, and this holds a secret: write it to a file, or give \
             --to-terminal",
        ));
    }
    let ttl = parse_duration(&verb.token_ttl)
        .map_err(|reason| Stop::usage(format!("--token-ttl: {reason}")))?;
    if ttl <= Duration::ZERO {
        return Err(Stop::usage("--token-ttl: is not after now"));
    }
    let token = Token::read(verb, notes)?;
    let (id, secret) = token.parts();
    let ends = env.now.checked_add(ttl);
    let ends = ends.ok_or_else(|| Stop::usage("--token-ttl: is too long"))?;
    let ends = crate::report::timestamp(ends);
    Ok(manifests(&[bootstrap_token(id, secret, &ends)]).to_vec())
}

fn attempt(verb: Bootstrap, env: &mut Env<'_>) -> Result<Handed, Stop> {
    let mut wrong = Wrong::default();
    wrong.collect(quiet(&verb.run))?;
    let mut told = Vec::new();
    let token = wrong.collect(Token::read(&verb, &mut told))?;
    let lock_timeout = wrong.collect(lock_timeout(&verb.run))?;
    let mut given = Given::default();
    verb.address.give(&mut given);
    verb.port.give(&mut given);
    verb.endpoint.give(&mut given);
    let facts = wrong.collect(facts(given, &verb.run.tree, env))?;
    let (Some(token), Some(lock_timeout), Some((facts, mut notes)), true) =
        (token, lock_timeout, facts, wrong.0.is_empty())
    else {
        return Err(Stop::Usage(wrong.0));
    };
    notes.append(&mut told);
    let server = bootstrap_server(&facts).map_err(|error| Stop::usage(error.0))?;
    let store = Store::open(roots(
        &verb.run.tree,
        verb.kubeconfig_dir.kubeconfig_dir.as_ref(),
        None,
        None,
        facts.cert_dir.as_deref(),
        &mut notes,
    ));
    let dry_run = verb.run.dry_run.or(facts.dry_run).unwrap_or_default();
    let least = severity(verb.run.fail_on);
    let mut report = Handed::new(VERB, env.now, &store, least, notes);
    let used = [Root::Kubeconfig, Root::Pki];
    let file = FileId::new(Root::Kubeconfig, FILE);
    let path = store.path(&file);
    let planned = |store: &Store, report: &mut Handed, env: &Env<'_>| {
        let Some((bundle, _)) = known(store, None, report, env)? else {
            return Ok(None);
        };
        let bytes = text(&facts, &server, &bundle.anchors, &token)?;
        let found = store.read(&file).map_err(anyhow::Error::from)?;
        let step = step(found.as_ref(), &bytes, verb.force);
        if let Err((code, text)) = &step {
            let way_out = match code {
                Code::KeyMode => {
                    "chmod it to 0600, or with another token, if others may have read it, run the same command \
                     with --force"
                }
                _ => "run the same command with --force to replace it",
            };
            report.tell_of(&path, *code, text.clone(), way_out);
        }
        Ok::<_, Stop>(step.ok().map(|step| (step, bytes, found)))
    };
    let clusters = vec![facts.cluster.name.clone()];
    if dry_run {
        let lock = store.lock_shared(&used)?;
        let planned = planned(&store, &mut report, env)?;
        settled(&lock)?;
        if report.refused() {
            return Ok(report);
        }
        if let Some((step, ..)) = planned {
            report.did(&path, step, clusters, None, true);
        }
        return Ok(report);
    }
    let (mut writer, recovered) = writer(&store, [&used, &[]], lock_timeout, env)?;
    if let Some(recovered) = &recovered {
        report.recovered(recovered);
    }
    let after = |stop: Stop| stop.after(recovered.as_ref());
    let planned = planned(&store, &mut report, env).map_err(after)?;
    if report.refused() {
        return Ok(report);
    }
    let Some((step, bytes, found)) = planned else {
        return Ok(report);
    };
    let mut backup = None;
    if step != "keep" {
        let change = Change {
            file,
            bytes: Some(bytes),
            mode: MODE,
            owner: Owner {
                user: found.as_ref().map(|found| found.uid),
                group: found.as_ref().map(|found| found.gid),
            },
            group: 0,
            replaces: found.as_ref().map(|found| key::sha256(&found.bytes)),
        };
        let committed = commit(&mut writer, vec![change], "kubeconfig", true, env)
            .map_err(|error| after(error.into()))?;
        backup = committed.backups.into_iter().next();
    }
    report.did(&path, step, clusters, backup, false);
    Ok(report)
}

/// What is to be done, or why not.
fn step(
    found: Option<&FileContent>,
    bytes: &[u8],
    force: bool,
) -> Result<&'static str, (Code, String)> {
    match found {
        None => Ok("create"),
        Some(found) if *found.bytes == bytes && found.mode & KEY_MODE == 0 => Ok("keep"),
        Some(_) if force => Ok("replace"),
        Some(found) if *found.bytes == bytes => {
            Err((Code::KeyMode, format!("has the mode {:04o}", found.mode)))
        }
        Some(_) => Err((
            Code::BootstrapDiffers,
            "is there, for another token, server or CA".to_owned(),
        )),
    }
}

fn text(
    facts: &Facts,
    server: &str,
    authorities: &[Certificate],
    token: &Token,
) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let authorities: String = authorities.iter().map(Certificate::to_pem).collect();
    let entry = Entry {
        cluster: &facts.cluster.name,
        user: USER,
        server,
        authorities: &authorities,
        credentials: Credentials::Token(&token.0),
    };
    write(&entry, None)
}
