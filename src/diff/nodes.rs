//! What is judged of a node among many.

use std::collections::{BTreeMap, HashMap};

use super::by_renewal;
use super::certificate::CLOCK_OR;
use super::external::{external_of, requested};
use super::leaf::AFTER_ITS_CA;
use super::leaf::COMPLETES;
use super::request::OF_ANOTHER;
use super::scrutiny::ROTATES;
use super::tree::{Issuers, certificates, is_absent, is_made_here, numbered};
use crate::finding::{Code, Finding};
use crate::key::sha256;
use crate::location::{FileId, Root};
use crate::observed::Observed;
use crate::profile::found::is_rotated;
use crate::profile::rotation::replaced;
use crate::profile::{KUBELET, Signer, TABLE, by_name};
use crate::spec::Spec;
use crate::x509::serial::Serial;

/// Keys of the table that lie on a node, and are not among what it is to have: its roles were others, or somebody
/// copied more than it needs. `there` are the files of its tree, `wanted` those that it is to have.
pub fn not_needed(there: &[FileId], wanted: &[FileId]) -> Vec<Finding> {
    let current = FileId::new(Root::Kubelet, FileId::KUBELET_CURRENT);
    let kubelets = there.iter().filter(|file| is_kubelets(file)).cloned();
    let kubelets = kubelets.filter(|_| !wanted.contains(&current));
    TABLE
        .iter()
        .map(|row| row.stored.key())
        .filter(|key| there.contains(key) && !wanted.contains(key))
        .chain(kubelets)
        .map(|key| Finding {
            code: Code::KeyNotNeeded,
            name: key.name.clone(),
            file: key,
            text: "holds a key that the roles of this node do not need".to_owned(),
            way_out: "remove it, on the node too".to_owned(),
        })
        .collect()
}

/// Keys of what all nodes share, the CAs' and the service accounts', that lie on a node under another name than those in
/// `wanted`: whatever its roles, it has no use for them there.
pub fn signing_elsewhere(
    specs: &[Spec],
    found: &BTreeMap<String, Observed>,
    shared: &BTreeMap<String, Observed>,
    wanted: &[FileId],
) -> Vec<Finding> {
    let signing: BTreeMap<Digest, &String> = shared
        .iter()
        .flat_map(|(name, kept)| kept.public_keys().into_iter().map(move |key| (name, key)))
        .map(|(name, key)| (key.fingerprint(), name))
        .collect();
    let held = |spec: &Spec| {
        let key = match found.get(&spec.name)? {
            Observed::KeyPair { key, .. } => key,
            observed => observed.asking_key()?,
        };
        let whose = signing.get(&key.open()?.public_key().fingerprint())?;
        let file = spec.place.key();
        // Of one in a row's place [`not_needed`] tells.
        let is_row = TABLE.iter().any(|row| row.stored.key() == file);
        (!is_row && !wanted.contains(&file)).then(|| Finding {
            code: Code::KeyNotNeeded,
            name: spec.name.clone(),
            file,
            text: format!(
                "holds the private key of {whose}, which this node needs in no such place"
            ),
            way_out: "remove it, on the node too".to_owned(),
        })
    };
    specs.iter().filter_map(held).collect()
}

/// The rows that a node is to have, and that are not there, nor asked for.
pub fn not_made(there: &[FileId], wanted: &[FileId]) -> Vec<Finding> {
    let lacks = |file: &FileId| {
        wanted.contains(file) && !there.contains(file) && !there.contains(&file.request())
    };
    TABLE
        .iter()
        .filter(|row| lacks(&row.stored.public()))
        .map(|row| is_absent(row, MAKE.to_owned()))
        .collect()
}

/// What the controller manager is to sign with apart from its CA's file, which no row is, and that is not there.
pub fn not_copied(there: &[FileId], copies: &[Spec]) -> Vec<Finding> {
    let of_row = |file: &FileId| TABLE.iter().any(|row| row.stored.public() == *file);
    let files = copies.iter().map(|copy| copy.place.public());
    let lacking = files.filter(|file| !of_row(file) && !there.contains(file));
    lacking
        .map(|file| Finding {
            code: Code::Absent,
            name: file.name.clone(),
            file,
            text: "is not there: the controller manager is to sign with it".to_owned(),
            way_out: MAKE.to_owned(),
        })
        .collect()
}

/// A node that has no tree.
pub fn treeless() -> Finding {
    Finding {
        code: Code::Absent,
        name: String::new(),
        file: FileId::new(Root::Kubeconfig, "."),
        text: "is not there: the node has no tree".to_owned(),
        way_out: MAKE.to_owned(),
    }
}

/// A node whose tree cannot be looked at, and why.
pub fn barred(why: &anyhow::Error) -> Finding {
    Finding {
        code: Code::Unreadable,
        name: String::new(),
        file: FileId::new(Root::Kubeconfig, "."),
        text: format!("cannot be looked at: {why:#}"),
        way_out: "see to that, and check again".to_owned(),
    }
}

const MAKE: &str = "'certs all --inventory FILE --out DIR' makes it";
const RENEW: &str = "'certs renew --inventory FILE --out DIR' renews it";
const LONGER: &str = "'certs renew --inventory FILE --out DIR --all --validity 8760h' renews it, and all else, for so long";
const BACK: &str = "'certs renew node NODE --inventory FILE --out DIR' renews what its kubelet needs, and tells what to copy";
const FORCE: &str = "'certs all --inventory FILE --out DIR --force' makes it anew";
const ANEW: &str = "move it away, and 'certs all --inventory FILE --out DIR' makes it anew";

/// What is to be done about a leaf of a node where the key of its CA is kept for all nodes, as `kept` has it: on the node
/// it may be nowhere.
pub fn signed_for_all(
    mut findings: Vec<Finding>,
    specs: &[Spec],
    found: &BTreeMap<String, Observed>,
    kept: &BTreeMap<String, Observed>,
) -> Vec<Finding> {
    let has_key = |ca: &str| {
        matches!(
            kept.get(ca),
            Some(Observed::Certificate { key: Some(_), .. })
        )
    };
    // What hangs on a copy that a stage of a replacement brings along is brought along with it.
    let by_stage: BTreeMap<&str, String> = findings
        .iter()
        .filter(|told| {
            told.code == Code::SharedDiffers && told.way_out.starts_with("'certs rotate ")
        })
        .filter_map(|told| Some((replaced(&told.file)?.name, told.way_out.clone())))
        .collect();
    for finding in &mut findings {
        // What a kubelet keeps is the row of its kubeconfig.
        let rotated = is_rotated(&finding.file);
        let row = if rotated {
            by_name(KUBELET)
        } else {
            by_name(&finding.name)
        };
        let ends = matches!(finding.code, Code::Expired | Code::ExpiresSoon);
        if let (Code::Absent, Some(row)) = (finding.code, row)
            && matches!(row.signer, Signer::Ca(ca) if kept.get(ca).is_some_and(Observed::is_external))
        {
            finding.way_out = requested(row.name, "");
            continue;
        }
        if !row.is_some_and(|row| matches!(row.signer, Signer::Ca(ca) if has_key(ca))) {
            continue;
        }
        let (way_out, code) = (finding.way_out.as_str(), finding.code);
        let way_out = way_out.strip_prefix(CLOCK_OR).unwrap_or(way_out);
        let reissued = specs
            .iter()
            .filter(|spec| spec.name == finding.name)
            .any(|spec| is_made_here(way_out, spec) || way_out == external_of(spec, found, code));
        match finding.code {
            Code::Absent => MAKE.clone_into(&mut finding.way_out),
            // Without it the kubelet cannot ask for another.
            Code::Expired if row.is_some_and(|row| row.name == KUBELET) => {
                BACK.clone_into(&mut finding.way_out);
            }
            // It was issued while the clock was wrong, and the kubelet would not rotate it before it begins.
            Code::NotYetValid
                if way_out != AFTER_ITS_CA && row.is_some_and(|row| row.name == KUBELET) =>
            {
                finding.way_out = format!("{CLOCK_OR}{BACK}");
            }
            Code::NotYetValid if reissued => {
                let renewed = specs.iter().find(|spec| spec.name == finding.name);
                let renewed = renewed.map(by_renewal).unwrap_or_default();
                finding.way_out = format!("{CLOCK_OR}{renewed}");
            }
            Code::ShortLived if reissued => LONGER.clone_into(&mut finding.way_out),
            _ if ends && (reissued || rotated || finding.way_out == ROTATES) => {
                RENEW.clone_into(&mut finding.way_out);
            }
            _ if reissued => {
                let signer = row.map(|row| row.signer);
                let by_stage = match signer {
                    Some(Signer::Ca(ca)) => by_stage.get(ca),
                    _ => None,
                };
                by_stage
                    .map_or(FORCE, String::as_str)
                    .clone_into(&mut finding.way_out);
            }
            _ => {}
        }
    }
    for finding in &mut findings {
        over_all(&mut finding.way_out);
    }
    findings
}

/// What is run over one tree is run over all of them, where it is told which.
pub fn over_all(way_out: &mut String) {
    const OVER: &str = " --inventory FILE --out DIR";
    if way_out == OF_ANOTHER {
        "put it into the folder of its node, or have it requested anew".clone_into(way_out);
    }
    // Each verb of a phase is a part of the one over all nodes.
    if let Some((_, behind)) = way_out.split_once(COMPLETES) {
        *way_out = format!("'certs all{OVER} --force' completes it{behind}");
        return;
    }
    for (verb, before, behind) in [
        ("'certs csr", "", " --csr-dir CSRS"),
        ("'certs import", " CSRS", ""),
        ("'certs renew", "", ""),
        ("'certs rotate", "", ""),
    ] {
        let mut from = 0;
        while let Some(begins) = way_out[from..].find(verb).map(|at| from + at + 1)
            && let Some(length) = way_out[begins..].find('\'')
        {
            if way_out[begins..begins + length].contains("--inventory") {
                from = begins + length;
                continue;
            }
            let named = begins + verb.len() - 1;
            let flags = format!("{OVER}{behind}");
            way_out.insert_str(begins + length, &flags);
            way_out.insert_str(named, before);
            from = begins + length + before.len() + flags.len() + 1;
        }
    }
}

type Digest = [u8; 32];

/// What no other node may have of a certificate that is on one.
pub struct Own {
    name: String,
    file: FileId,
    certificate: Digest,
    /// Its key, if it is a leaf's.
    key: Option<Digest>,
    /// Its number, of whoever issued it.
    number: Option<Digest>,
    serial: Serial,
}

/// What no other node may have, of what is in these places. What all share is `kept` elsewhere, CAs among it; a root is
/// held against no other node.
pub fn own(
    specs: &[Spec],
    found: &BTreeMap<String, Observed>,
    kept: &BTreeMap<String, Observed>,
) -> Vec<Own> {
    let issuers = Issuers::of(found.values().chain(kept.values()));
    let mut all = Vec::new();
    for spec in specs {
        let held = match found.get(&spec.name) {
            // What it names is in a place of its own.
            Some(Observed::Kubeconfig(kubeconfig)) if kubeconfig.referred => continue,
            Some(observed) => certificates(observed),
            None => continue,
        };
        for (index, certificate) in held.iter().enumerate() {
            let leaf = index == 0 && !spec.is_ca() && !certificate.is_ca();
            let issued = certificate.subject != certificate.issuer;
            let number = issuers.number(certificate).filter(|_| issued);
            let number = number.map(|(issuer, key, serial)| {
                let parts = [issuer.der(), key.unwrap_or_default(), serial];
                let parts: Vec<Digest> = parts.into_iter().map(sha256).collect();
                sha256(&parts.concat())
            });
            all.push(Own {
                name: spec.name.clone(),
                file: spec.place.public(),
                certificate: sha256(certificate.der()),
                key: leaf.then(|| certificate.public_key.fingerprint()),
                number,
                serial: certificate.serial.clone(),
            });
        }
    }
    all
}

/// What one node has of another, each told of the later one.
pub fn across(nodes: &[Vec<Own>], called: impl Fn(usize) -> String) -> Vec<(usize, Finding)> {
    let mut keys: HashMap<Digest, (usize, &Own)> = HashMap::new();
    let mut numbers: HashMap<Digest, (usize, &Own)> = HashMap::new();
    let mut findings = Vec::new();
    for (node, own) in nodes
        .iter()
        .enumerate()
        .flat_map(|(node, all)| all.iter().map(move |own| (node, own)))
    {
        let mut tell = |code, text| {
            let finding = Finding {
                code,
                name: own.name.clone(),
                file: own.file.clone(),
                text,
                way_out: ANEW.to_owned(),
            };
            findings.push((node, finding));
        };
        if let Some(key) = own.key {
            let (first, other) = *keys.entry(key).or_insert((node, own));
            if first != node {
                let of = called(first);
                let text = format!(
                    "has the key of {} on {of}: who has one of these nodes can be the other",
                    other.file
                );
                tell(Code::KeyShared, text);
            }
        }
        if let Some(number) = own.number {
            let (first, other) = *numbers.entry(number).or_insert((node, own));
            if first != node && other.certificate != own.certificate {
                let file = format!("{} on {}", other.file, called(first));
                tell(Code::SameSerial, numbered(&own.serial, &file));
            }
        }
    }
    findings
}

/// Its client certificate and key, in a file of their own.
fn is_kubelets(file: &FileId) -> bool {
    file.root == Root::Kubelet && file.name.starts_with("kubelet-client-")
}
