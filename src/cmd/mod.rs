//! One file a verb: what it makes, as specs. No X.509, no files, no printing.

mod all;
mod around;
mod basis;
mod bootstrap;
mod ca;
mod changed;
mod check;
mod client;
mod count;
mod csr;
mod entries;
mod export;
mod flags;
mod generate;
mod give;
mod hook;
mod import;
mod job;
mod kubeconfig;
mod loose;
mod nodes;
mod notice;
mod output_file;
mod peer;
mod refresh;
mod renew;
mod rollback;
mod rotate;
mod sa;
mod select;
mod sequence;
mod server;
mod show;
mod sign;
mod there;
mod undo;

use anyhow::Error;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::cli::{Cli, Kubeconfig, KubeconfigVerb, Verb, completion};
use crate::facts::Host;
use crate::outcome::Exit;
use crate::report::{Progress, Variable};
use crate::store::Recovered;

/// Prompts, and gives what was typed.
pub type Ask = dyn FnMut(&str) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>>;

/// Runs a command of a shell with these variables beside its own, and with this on its standard input; the
/// error says how it ended. The last is to be told where a signal ends the program meanwhile.
pub type Exec<'a> = dyn FnMut(&str, &[Variable], &[u8], &str) -> Result<(), String> + 'a;

/// What a run takes from outside its arguments and files.
pub struct Env<'a> {
    /// The time.
    pub now: OffsetDateTime,
    /// This host's name and address.
    pub host: Host<'a>,
    /// The bytes of standard input, read when `--config -` asks for them.
    pub stdin: &'a mut dyn FnMut() -> anyhow::Result<Zeroizing<Vec<u8>>>,
    /// The value of `CERTS_CA_PASSPHRASE`.
    pub ca_passphrase: Option<Zeroizing<Vec<u8>>>,
    /// The value of `CERTS_EXPORT_PASSWORD`.
    pub export_password: Option<Zeroizing<Vec<u8>>>,
    /// Asks for a secret at the terminal, which does not show it; none where there is no terminal.
    pub ask: &'a mut Ask,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Runs a command of a shell with further variables and an input, and tells how it failed.
    pub exec: &'a mut Exec<'a>,
    /// Told at once, while the run goes on: that it waits for another one.
    pub notice: &'a mut dyn FnMut(&str),
    /// Told at once, from whatever thread, how far a run over many nodes is.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Told before such a run writes anything, and begins threads: what is to be told where a signal ends it.
    pub begun: &'a mut dyn FnMut(&str),
    /// How wide text may be; none is unlimited.
    pub width: Option<usize>,
    /// Whether text may be coloured.
    pub colour: bool,
}

/// What a run comes to.
pub struct Outcome {
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub exit: Exit,
}

/// Why a run stopped before there was anything to report.
pub(crate) enum Stop {
    /// Something failed.
    Failed(Error),
    /// Arguments or configuration are wrong, each in a sentence of its own.
    Usage(Vec<String>),
    /// The same once an interrupted run was completed or taken back: that was done, and is told.
    After(Recovered, Box<Self>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Stop {
    /// That it stopped after this.
    fn after(self, recovered: Option<&Recovered>) -> Self {
        match recovered {
            Some(recovered) => Self::After(recovered.clone(), Box::new(self)),
            None => self,
        }
    }

    /// That it stopped at this node, with those before it written.
    fn of_node(self, name: &str) -> Self {
        match self {
            Self::Failed(error) => Self::Failed(error.context(format!(
                "at {name} (what was written before it stays, and the same command does the rest)"
            ))),
            Self::After(recovered, stop) => Self::After(recovered, Box::new(stop.of_node(name))),
            usage @ Self::Usage(_) => usage,
        }
    }

    fn usage(sentence: impl Into<String>) -> Self {
        Self::Usage(vec![sentence.into()])
    }
}

/// Runs what was typed.
pub fn run(cli: Cli, env: &mut Env<'_>) -> Outcome {
    let request = match cli.verb {
        Verb::Rollback(verb) => return rollback::rollback(&verb, env),
        Verb::All(verb) if verb.nodes.inventory.is_some() || verb.nodes.out.is_some() => {
            return nodes::run(&verb, env);
        }
        Verb::All(verb) => all::request(verb),
        Verb::Ca(verb) => ca::request(verb),
        Verb::Check(verb) => return check::run(verb, env),
        Verb::Client(verb) => client::request(verb),
        Verb::Csr(verb) => return csr::run(&verb, env),
        Verb::Import(verb) => return import::run(&verb, env),
        Verb::Completion(verb) => {
            return Outcome {
                stdout: completion(verb.shell),
                stderr: Vec::new(),
                exit: Exit::Done,
            };
        }
        Verb::Export(verb) => return export::run(verb.verb, env),
        Verb::Flags(verb) => return flags::run(verb, env),
        Verb::Kubeconfig(Kubeconfig {
            verb: Some(verb), ..
        }) => match verb {
            KubeconfigVerb::BootstrapKubelet(verb) => return bootstrap::run(verb, env),
            KubeconfigVerb::Refresh(verb) => return refresh::run(verb, env),
        },
        Verb::Kubeconfig(verb) => kubeconfig::request(verb),
        Verb::Peer(verb) => peer::request(verb),
        Verb::Renew(verb) => return renew::run(verb, env),
        Verb::Rotate(verb) => return rotate::run(&verb, env),
        Verb::Sa(verb) => sa::request(verb),
        Verb::Show(verb) => return show::run(&verb, env),
        Verb::Server(verb) => server::request(verb),
        Verb::Sign(verb) => return sign::run(&verb, env),
    };
    generate::generate(&request, env)
}
