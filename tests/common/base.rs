//! The good trees that faults are put into.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::kubeadm::{NOON, configuration, unpacked};
use super::{TempDir, at, certs, run, text, tool, write};

/// A good tree, and the facts it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// kubeadm's, with RSA keys.
    Default,
    /// kubeadm's, with P-256 keys.
    Ecdsa,
    /// kubeadm's, with an endpoint of its own and RSA keys.
    Ha,
    /// Ours, of the second control plane of a cluster.
    Joined,
    /// OpenSSL's, by the recipe `sound`.
    OpenSsl,
    /// Ours.
    Ours,
}

/// All of them.
pub const ALL: [Base; 6] = [
    Base::Default,
    Base::Ecdsa,
    Base::Ha,
    Base::Joined,
    Base::OpenSsl,
    Base::Ours,
];

const JOINED: &str = "\
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
nodeRegistration:
  name: cp1
controlPlane:
  localAPIEndpoint:
    advertiseAddress: 10.0.0.10
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.2
encryptionAlgorithm: ECDSA-P256
";

impl Base {
    /// The configuration of `tests/fixtures/kubeadm/facts`.
    fn configuration(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Ecdsa | Self::Joined | Self::OpenSsl | Self::Ours => "ecdsa-p256",
            Self::Ha => "ha-endpoint",
        }
    }

    /// A folder with a copy of it in `k`.
    pub fn copy(self) -> TempDir {
        static MADE: [OnceLock<TempDir>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
        let index = ALL.iter().position(|base| *base == self).expect("all");
        let made = MADE[index].get_or_init(|| self.make());
        let place = TempDir::new();
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(made.join("k")).arg(place.path());
        run(&mut copy).expect(0);
        self.configure(&place);
        place
    }

    fn make(self) -> TempDir {
        static KUBEADM: OnceLock<TempDir> = OnceLock::new();
        let place = TempDir::new();
        let tree = place.join("k");
        match self {
            Self::Default | Self::Ecdsa | Self::Ha => {
                let trees = KUBEADM.get_or_init(unpacked);
                let mut copy = Command::new("cp");
                copy.arg("-a").arg(trees.join(self.configuration()));
                run(copy.arg(&tree)).expect(0);
            }
            Self::Joined | Self::Ours => {
                Self::Ours.configure(&place);
                run(&mut over(&["all"], place.path())).expect(0);
            }
            Self::OpenSsl => {
                std::fs::create_dir(&tree).expect("make a folder");
                self.cook("sound", place.path());
            }
        }
        place
    }

    fn configure(self, place: &TempDir) {
        let path = place.join("c.yaml");
        if self == Self::Joined {
            write(&path, JOINED);
        } else {
            let made = configuration(self.configuration(), &place.join("k"), place.path());
            std::fs::rename(made, path).expect("move");
        }
    }

    /// Runs a recipe in the tree, at noon.
    pub fn cook(self, recipe: &str, place: &Path) {
        let (address, endpoint, extra) = match self {
            Self::Ha => (
                "10.0.0.11",
                "https://api.ha.example.com:8443",
                ",DNS:lb.example.com,IP:192.168.50.10,DNS:cp-alt,IP:fd00:10::99,IP:10.0.0.12,DNS:api.ha.example.com",
            ),
            _ => ("10.0.0.10", "https://10.0.0.10:6443", ""),
        };
        let script = format!("{}\n{recipe}\n", include_str!("recipes.sh"));
        let mut bash = Command::new(tool("bash"));
        bash.args(["-euo", "pipefail", "-c", &script]);
        bash.current_dir(place.join("k"))
            .env("OPENSSL_CONF", "/dev/null")
            .env("ADDRESS", address)
            .env("ENDPOINT", endpoint)
            .env("EXTRA", extra);
        run(&mut at(NOON, "022", &bash)).expect(0);
    }
}

/// The program over the tree in `place`, at noon.
pub fn over(verb: &[&str], place: &Path) -> Command {
    let mut command = certs(verb);
    command
        .args(["--kubernetes-dir", text(&place.join("k"))])
        .args(["--config", text(&place.join("c.yaml"))])
        .current_dir(place);
    at(NOON, "022", &command)
}
