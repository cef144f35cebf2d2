//! cfssl as somebody else's CA.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{run, tool, write};

/// In a folder with its profiles: names and usages it takes from these, and not from a request.
pub struct Cfssl<'a>(&'a Path);

impl<'a> Cfssl<'a> {
    pub fn new(place: &'a Path) -> Self {
        let usages = |kinds: &str| {
            format!(
                "{{\"expiry\": \"8760h\", \"usages\": [\"signing\", \"digital signature\", {kinds}]}}"
            )
        };
        let profiles = format!(
            "{{\"signing\": {{\"default\": {}, \"profiles\": {{\"client\": {}, \"server\": {}, \"peer\": {}}}}}}}",
            usages("\"client auth\""),
            usages("\"client auth\""),
            usages("\"server auth\""),
            usages("\"server auth\", \"client auth\"")
        );
        write(&place.join("cfssl.json"), profiles);
        Self(place)
    }

    fn told(&self, arguments: &[&str]) -> Value {
        let mut command = Command::new(tool("cfssl"));
        let finished = run(command.args(arguments).current_dir(self.0)).expect(0);
        serde_json::from_str(&finished.stdout).expect("JSON")
    }

    /// The certificate and the key of a new CA.
    pub fn ca(&self, name: &str) -> [String; 2] {
        let asked = format!(
            "{{\"CN\": \"{name} of cfssl\", \"key\": {{\"algo\": \"ecdsa\", \"size\": 256}}}}"
        );
        write(&self.0.join("ca.json"), asked);
        let made = self.told(&["gencert", "-initca", "ca.json"]);
        ["cert", "key"].map(|field| text_of(&made, field))
    }

    /// A request for what is called so, signed with the pair of a CA.
    pub fn signed(&self, name: &str, [certificate, key]: [&str; 2], request: &str) -> String {
        let profile = match name {
            "apiserver" | "kubelet-serving" => "server",
            "etcd-server" | "etcd-peer" => "peer",
            _ => "client",
        };
        let signed = self.told(&[
            "sign",
            &format!("-ca={certificate}"),
            &format!("-ca-key={key}"),
            "-config=cfssl.json",
            &format!("-profile={profile}"),
            request,
        ]);
        text_of(&signed, "cert")
    }
}

fn text_of(told: &Value, field: &str) -> String {
    told[field].as_str().expect("it is told").to_owned()
}
