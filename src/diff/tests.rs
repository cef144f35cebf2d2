use std::collections::BTreeSet;
use std::sync::Arc;

use time::Duration;

use super::*;
use crate::bundle::above;
use crate::der;
use crate::key::{KeyAlgorithm as Algorithm, PublicKey};
use crate::location::{FileId, Root};
use crate::observed::{Ground, KeyState, Kubeconfig, Source, Trusted, Unreadable};
use crate::oracle::sample::{self, NOW, access, certificate, key, made_at, open, spec, tree};
use crate::plan::Found;
use crate::spec::{CertificateSpec, Content, CredentialFiles, Credentials};
use crate::x509::cert::BasicConstraints;
use crate::x509::constraints::NameConstraints;
use crate::x509::name::Name;
use crate::x509::san::San;
use crate::x509::serial::Serial;
use crate::x509::usage::{ExtendedKeyUsage, KeyUsage};

/// What is judged: at first all as wanted.
struct Case {
    spec: Spec,
    found: Found,
    now: OffsetDateTime,
}

impl Case {
    fn of(name: &str) -> Self {
        Self {
            spec: spec(name),
            found: tree(),
            now: NOW,
        }
    }

    fn authorities(&self) -> Vec<Certificate> {
        let ca = self
            .spec
            .certificate()
            .and_then(|leaf| leaf.issuer.as_ref())
            .and_then(|ca| self.found.get(ca));
        match ca {
            Some(Observed::Certificate { chain, .. }) => chain.clone(),
            _ => Vec::new(),
        }
    }

    fn observed(&mut self) -> &mut Observed {
        self.found.get_mut(&self.spec.name).unwrap()
    }

    fn chain(&mut self) -> &mut Vec<Certificate> {
        match self.observed() {
            Observed::Certificate { chain, .. } => chain,
            Observed::Kubeconfig(kubeconfig) => &mut kubeconfig.chain,
            other => panic!("{other:?}"),
        }
    }

    fn leaf(&mut self) -> &mut Certificate {
        &mut self.chain()[0]
    }

    /// The certificate of the CA that signs it.
    fn ca(&mut self) -> &mut Certificate {
        match self.found.get_mut("ca").unwrap() {
            Observed::Certificate { chain, .. } => &mut chain[0],
            other => panic!("{other:?}"),
        }
    }

    fn key(&mut self) -> &mut Key {
        match self.observed() {
            Observed::Certificate { key, .. } => key.as_mut().unwrap(),
            Observed::KeyPair { key, .. } => key,
            Observed::Kubeconfig(kubeconfig) => &mut kubeconfig.key,
            other => panic!("{other:?}"),
        }
    }

    fn credentials(&mut self) -> &mut Credentials {
        match &mut self.spec.place {
            Place::Kubeconfig { credentials, .. } => credentials,
            other => panic!("{other:?}"),
        }
    }

    fn kubeconfig(&mut self) -> &mut Kubeconfig {
        match self.observed() {
            Observed::Kubeconfig(kubeconfig) => kubeconfig,
            other => panic!("{other:?}"),
        }
    }

    /// Made of another spec than the wanted one.
    fn other(&mut self, change: impl FnOnce(&mut CertificateSpec)) {
        let mut other = self.spec.clone();
        let Content::Certificate(wanted) = &mut other.content else {
            panic!("a key pair");
        };
        change(wanted);
        let observed = made_at(&other, &self.found, NOW - Duration::hours(1));
        self.found.insert(other.name, observed);
    }

    fn wanted(&mut self) -> &mut CertificateSpec {
        match &mut self.spec.content {
            Content::Certificate(wanted) => wanted,
            Content::KeyPair(_) => panic!("a key pair"),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let observed = self.found.get(&self.spec.name).unwrap();
        diff(&self.spec, observed, &self.authorities(), &[0], self.now)
    }
}

/// Another CA of this name.
fn stranger(common_name: &str) -> Certificate {
    let mut wanted = spec("ca").certificate().unwrap().clone();
    wanted.subject = Name::new(&[], common_name);
    certificate(&wanted, "stranger", &Found::new(), NOW - Duration::hours(1))
}

fn unreadable(way_out: Option<&str>) -> Observed {
    Observed::Unreadable(
        vec![Unreadable {
            file: spec("apiserver").place.key(),
            why: "cannot be used: no usable private key".to_owned(),
            cause: Cause::Content,
            way_out: way_out.map(str::to_owned),
            access: None,
            public: None,
        }],
        Vec::new(),
    )
}

/// The state of a key that is of no use.
fn unread(case: &Case, of: Cause) -> KeyState {
    KeyState::Unread(Unreadable {
        file: case.spec.place.key(),
        why: "cannot be used: no usable private key".to_owned(),
        cause: of,
        way_out: None,
        access: None,
        public: None,
    })
}

/// Name constraints of one tree: permitted (0xa0) or excluded (0xa1), of a kind of names.
fn limits(which: u8, kind: u8, name: &[u8]) -> NameConstraints {
    let tree = der::tlv(der::SEQUENCE, &der::tlv(kind, name));
    let value = der::tlv(der::SEQUENCE, &der::tlv(which, &tree));
    NameConstraints::parse(&value).unwrap()
}

/// A CA below which so many may stand.
fn of_length(mut ca: Certificate, length: u32) -> Certificate {
    let constraints = ca.basic_constraints.as_mut().unwrap();
    constraints.path_length = Some(length);
    ca
}

type Change = fn(&mut Case);

/// Each code that `diff` tells: the spec, what is done to it, the file and the sentence.
const CASES: &[(Code, &str, Change, &str, &str)] = &[
    (
        Code::BadSignature,
        "apiserver",
        |case| {
            // The CA's name and identifier, but another key.
            let mut ca = case.authorities()[0].clone();
            ca.public_key = key("stranger").public_key().clone();
            case.found.insert(
                "ca".to_owned(),
                Observed::Certificate {
                    chain: vec![ca],
                    access: access(0o644),
                    key: None,
                },
            );
        },
        "apiserver.crt",
        "carries a signature that its CA's key does not verify",
    ),
    (
        Code::CaUsage,
        "ca",
        |case| case.leaf().sans = vec![San::Dns("kubernetes".to_owned())],
        "ca.crt",
        "has another key usage than a CA needs, or a SAN",
    ),
    (
        Code::CertificateMode,
        "apiserver",
        |case| {
            if let Observed::Certificate { access, .. } = case.observed() {
                access.mode = 0o744;
            }
        },
        "apiserver.crt",
        "has the mode 0744",
    ),
    (
        Code::WritableByOthers,
        "sa",
        |case| {
            if let Observed::KeyPair { public_access, .. } = case.observed() {
                public_access.mode = 0o664;
            }
        },
        "sa.pub",
        "has the mode 0664",
    ),
    (
        Code::CaOrder,
        "ca",
        |case| case.chain().insert(0, stranger("first")),
        "ca.crt",
        "does not begin with the certificate of its key, where kubeadm and the controller manager \
         look for it",
    ),
    (
        Code::NameConstraints,
        "ca",
        |case| case.leaf().name_constraints = Some(limits(0xa0, 0xa4, &[0x30, 0])),
        "ca.crt",
        "has name constraints on subjects, which certs does not hold them against",
    ),
    (
        Code::NameForbidden,
        "apiserver",
        |case| {
            let ten = [10, 0, 0, 0, 255, 255, 255, 0];
            case.ca().name_constraints = Some(limits(0xa1, 0x87, &ten));
        },
        "apiserver.crt",
        "has the SAN 10.0.0.10, which the name constraints of \"CN=kubernetes\" do not permit",
    ),
    (
        Code::PathLength,
        "ca",
        |case| {
            let root = case.leaf().clone();
            let through = intermediate(&mut case.found, "intermediate", "ca");
            *case.observed() = Observed::Certificate {
                chain: vec![through, of_length(root, 0)],
                access: access(0o644),
                key: Some(open(key("intermediate"))),
            };
        },
        "ca.crt",
        "stands below \"CN=kubernetes\", whose path length does not allow that",
    ),
    (
        Code::NotYetValid,
        "ca",
        |case| {
            let mut root = case.leaf().clone();
            let through = intermediate(&mut case.found, "intermediate", "ca");
            root.validity.not_before = NOW + Duration::DAY;
            *case.observed() = Observed::Certificate {
                chain: vec![through, root],
                access: access(0o644),
                key: Some(open(key("intermediate"))),
            };
        },
        "ca.crt",
        "stands below \"CN=kubernetes\", which begins on 2026-01-02 12:00:00 UTC, and the clock says 2026-01-01 12:00:00 UTC",
    ),
    (
        Code::NameConstraints,
        "ca",
        |case| {
            let mut root = case.leaf().clone();
            let through = intermediate(&mut case.found, "intermediate", "ca");
            root.name_constraints = Some(limits(0xa0, 0xa4, &[0x30, 0]));
            *case.observed() = Observed::Certificate {
                chain: vec![through, root],
                access: access(0o644),
                key: Some(open(key("intermediate"))),
            };
        },
        "ca.crt",
        "stands below \"CN=kubernetes\", whose name constraints on subjects certs does not hold it against",
    ),
    (
        Code::CriticalExtension,
        "apiserver",
        |case| case.leaf().unknown_critical = vec!["1.2.3.4".to_owned()],
        "apiserver.crt",
        "has the critical extension 1.2.3.4, which Kubernetes does not know",
    ),
    (
        Code::Expired,
        "apiserver",
        |case| case.now = NOW + Duration::days(365),
        "apiserver.crt",
        "ended on 2027-01-01 11:00:00 UTC",
    ),
    (
        Code::ForeignOwner,
        "sa",
        |case| {
            if let Observed::KeyPair { public_access, .. } = case.observed() {
                public_access.user = 4242;
            }
        },
        "sa.pub",
        "belongs to user 4242, who can put another in its place",
    ),
    (
        Code::KeyOwner,
        "ca",
        |case| case.key().access.user = 4242,
        "ca.key",
        "belongs to user 4242, who can sign with it",
    ),
    (
        Code::FormerSubject,
        "apiserver-kubelet-client",
        |case| {
            case.other(|wanted| {
                let groups = &["kubeadm:cluster-admins"];
                wanted.subject = Name::new(groups, "kube-apiserver-kubelet-client");
            });
        },
        "apiserver-kubelet-client.crt",
        "has the former subject \"CN=kube-apiserver-kubelet-client,O=kubeadm:cluster-admins\"",
    ),
    (
        Code::KeyAlgorithm,
        "apiserver",
        |case| case.wanted().key_algorithm = Algorithm::EcdsaP384,
        "apiserver.crt",
        "has a key of ECDSA-P256, not ECDSA-P384",
    ),
    (
        Code::KeyEncipherment,
        "apiserver",
        |case| {
            let usage = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::KEY_ENCIPHERMENT);
            case.leaf().key_usage = Some(usage);
        },
        "apiserver.crt",
        "has keyEncipherment on an EC key",
    ),
    (
        Code::KeyMismatch,
        "apiserver",
        |case| *case.key() = open(key("stranger")),
        "apiserver.key",
        "is not the key of the certificate beside it",
    ),
    (
        Code::KeyMode,
        "apiserver",
        |case| case.key().access.mode = 0o644,
        "apiserver.key",
        "has the mode 0644",
    ),
    (
        Code::KeyUnsupported,
        "ca",
        |case| {
            let mut ca = case.leaf().clone();
            ca.public_key = ed25519();
            *case.observed() = Observed::Certificate {
                chain: vec![ca],
                access: access(0o644),
                key: None,
            };
        },
        "ca.crt",
        "has a key that is neither RSA of 2048 to 8192 bits nor P-256, P-384 or P-521",
    ),
    (
        Code::LeafIsCa,
        "apiserver",
        |case| {
            case.leaf().basic_constraints = Some(BasicConstraints {
                ca: true,
                path_length: None,
                critical: true,
            });
        },
        "apiserver.crt",
        "is a CA, which it must not be",
    ),
    (
        Code::LongName,
        "etcd-server",
        |case| {
            let name = Name::new(&[], &"n".repeat(65));
            case.wanted().subject = name.clone();
            case.leaf().subject = name;
        },
        "etcd/server.crt",
        "has a common name of over 64 characters",
    ),
    (
        Code::MissingCertificate,
        "apiserver",
        |case| *case.observed() = Observed::KeyOnly(open(key("apiserver"))),
        "apiserver.key",
        "stands without apiserver.crt",
    ),
    (
        Code::MissingKey,
        "apiserver",
        |case| {
            if let Observed::Certificate { key, .. } = case.observed() {
                *key = None;
            }
        },
        "apiserver.crt",
        "stands without apiserver.key",
    ),
    (
        Code::AuthoritySerial,
        "apiserver",
        |case| case.leaf().authority_serial = Some(Serial::new([0x11; 20])),
        "apiserver.crt",
        "names its CA by the serial number 1111111111111111111111111111111111111111, which its CA has not",
    ),
    (
        Code::NoKeyIdentifier,
        "apiserver",
        |case| case.leaf().subject_key_identifier = None,
        "apiserver.crt",
        "has no subject key identifier",
    ),
    (
        Code::NotACa,
        "ca",
        |case| case.leaf().basic_constraints = None,
        "ca.crt",
        "is not a CA: its basic constraints do not say CA:TRUE",
    ),
    (
        Code::NotSigned,
        "apiserver",
        |case| {
            case.found.insert(
                "ca".to_owned(),
                Observed::Certificate {
                    chain: vec![stranger("other")],
                    access: access(0o644),
                    key: None,
                },
            );
        },
        "apiserver.crt",
        "was signed by \"CN=kubernetes\", not by this CA, \"CN=other\"",
    ),
    (
        Code::NotYetValid,
        "apiserver",
        |case| case.now = NOW - Duration::days(1),
        "apiserver.crt",
        "begins on 2026-01-01 10:55:00 UTC, and the clock says 2025-12-31 12:00:00 UTC",
    ),
    (
        Code::SanExtra,
        "apiserver",
        |case| case.other(|wanted| wanted.sans.push(San::Dns("more.example".to_owned()))),
        "apiserver.crt",
        "has the SAN more.example, which is not wanted",
    ),
    (
        Code::SanMissing,
        "apiserver",
        |case| {
            case.wanted()
                .sans
                .push(San::Ip("10.0.0.9".parse().unwrap()));
        },
        "apiserver.crt",
        "lacks the SAN 10.0.0.9",
    ),
    (
        Code::SelfNamed,
        "etcd-server",
        |case| {
            let name = case.leaf().issuer.clone();
            case.wanted().subject = name.clone();
            case.leaf().subject = name;
        },
        "etcd/server.crt",
        "has the subject of its CA, \"CN=etcd-ca\"",
    ),
    (
        Code::Server,
        "admin",
        |case| case.kubeconfig().server = "https://old:6443".to_owned(),
        "admin.conf",
        "points at https://old:6443, not https://10.0.0.10:6443",
    ),
    (
        Code::SmallSerial,
        "apiserver",
        |case| case.leaf().serial = Serial::from_der_content(&[0x7f; 8]).unwrap(),
        "apiserver.crt",
        "has a serial number of less than 64 bits",
    ),
    (
        Code::SystemMasters,
        "super-admin",
        |_| {},
        "super-admin.conf",
        "is a member of system:masters",
    ),
    (
        Code::TrustExtra,
        "admin",
        |case| case.kubeconfig().authorities.push(stranger("other")),
        "admin.conf",
        "trusts a CA that the CA file does not hold",
    ),
    (
        Code::IntermediateMissing,
        "apiserver",
        |case| {
            let below = intermediate(&mut case.found, "intermediate", "ca");
            case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
            if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
                chain.insert(0, below);
            }
        },
        "apiserver.crt",
        "lacks a CA between its certificate and the root",
    ),
    (
        Code::TrustFormer,
        "admin",
        |case| case.kubeconfig().authorities = vec![former(1)],
        "admin.conf",
        "trusts the CA by another certificate of it than the CA file holds",
    ),
    (
        Code::TrustMissing,
        "admin",
        |case| {
            if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
                chain.push(stranger("other"));
            }
        },
        "admin.conf",
        "lacks a CA that the CA file holds",
    ),
    (
        Code::Unreadable,
        "apiserver",
        |case| *case.observed() = unreadable(None),
        "apiserver.key",
        "cannot be used: no usable private key",
    ),
    (
        Code::ReadFailed,
        "apiserver",
        |case| {
            *case.observed() = unreadable(None);
            if let Observed::Unreadable(reasons, _) = case.observed() {
                reasons[0].cause = Cause::Failed;
            }
        },
        "apiserver.key",
        "cannot be used: no usable private key",
    ),
    (
        Code::Requested,
        "apiserver",
        |case| {
            *case.observed() = unreadable(Some("wait"));
            if let Observed::Unreadable(reasons, _) = case.observed() {
                reasons[0].cause = Cause::Requested;
            }
        },
        "apiserver.key",
        "cannot be used: no usable private key",
    ),
    (
        Code::KeyUnread,
        "apiserver",
        |case| {
            let state = unread(case, Cause::Withheld);
            case.key().state = state;
        },
        "apiserver.key",
        "cannot be used: no usable private key",
    ),
    (
        Code::UsageExtra,
        "admin",
        |case| {
            let usages = &mut case.leaf().extended_key_usage;
            usages.push(ExtendedKeyUsage::ServerAuth);
        },
        "admin.conf",
        "has the extended key usage serverAuth, which is not wanted",
    ),
    (
        Code::UsageMissing,
        "etcd-server",
        |case| case.leaf().extended_key_usage = vec![ExtendedKeyUsage::ClientAuth],
        "etcd/server.crt",
        "lacks the extended key usage serverAuth",
    ),
    (
        Code::Validity,
        "apiserver",
        |case| case.wanted().validity = Duration::hours(100),
        "apiserver.crt",
        "was issued for 8760h, not 100h",
    ),
    (
        Code::KubeconfigFiles,
        "admin",
        |case| *case.credentials() = Credentials::Files(named()),
        "admin.conf",
        "was asked to name the files ca.crt, admin.crt and admin.key, and does not",
    ),
    (
        Code::WrongCa,
        "admin",
        |case| case.kubeconfig().authorities = vec![stranger("kubernetes")],
        "admin.conf",
        "does not trust the CA",
    ),
    (
        Code::WrongCa,
        "admin",
        |case| case.kubeconfig().authorities.clear(),
        "admin.conf",
        "has no CA certificates, and so trusts those of the machine alone",
    ),
    (
        Code::WrongSubject,
        "apiserver",
        |case| case.other(|wanted| wanted.subject = Name::new(&["ops"], "kube-apiserver")),
        "apiserver.crt",
        "has the subject \"CN=kube-apiserver,O=ops\", not \"CN=kube-apiserver\"",
    ),
];

fn named() -> CredentialFiles {
    CredentialFiles {
        authorities: Some(FileId::certificate(Root::Pki, "ca")),
        certificate: FileId::certificate(Root::Pki, "admin"),
        key: FileId::private_key(Root::Pki, "admin"),
    }
}

#[test]
fn a_kubeconfig_is_held_against_where_it_was_asked_to_have_its_credentials() {
    let files = named();
    let ca = files.authorities.as_ref().unwrap();
    let in_files = [ca, &files.certificate, &files.key].map(|file| Source::File(file.clone()));
    let embedded = [Source::Embedded, Source::Embedded, Source::Embedded];
    let [ca, ..] = in_files.clone();
    let mixed = [ca, Source::Embedded, Source::Embedded];
    let elsewhere = [Source::Embedded, Source::Elsewhere, Source::Elsewhere];
    for (sources, fits_files, fits_data) in [
        (in_files, true, false),
        (embedded, false, true),
        (mixed, false, false),
        (elsewhere, false, false),
    ] {
        for (asked, fits) in [
            (Credentials::AsFound, true),
            (Credentials::Embedded, fits_data),
            (Credentials::Files(named()), fits_files),
        ] {
            let mut case = Case::of("admin");
            *case.kubeconfig().sources = sources.clone();
            *case.credentials() = asked.clone();
            let told = case.findings();
            let expected: &[Code] = if fits { &[] } else { &[Code::KubeconfigFiles] };
            let codes: Vec<Code> = told.iter().map(|found| found.code).collect();
            assert_eq!(codes, expected, "{asked:?} {sources:?}");
        }
    }
}

/// The codes of [`CASES`], and those of directories.
pub(crate) fn shown() -> BTreeSet<Code> {
    let mut shown: BTreeSet<Code> = CASES.iter().map(|(code, ..)| *code).collect();
    shown.extend(DIRECTORIES.iter().flat_map(|(_, _, codes)| *codes));
    shown
}

/// Modes and users of a directory, where 1 is the one who runs this, and what is told of it.
const DIRECTORIES: &[(u32, u32, &[Code])] = &[
    (0o755, 0, &[]),
    (0o700, 1, &[]),
    (0o2755, 0, &[]),
    (0o755, 2, &[Code::ForeignOwner]),
    (0o775, 0, &[Code::WritableByGroup]),
    (0o757, 0, &[Code::WritableByOthers]),
    (0o1777, 0, &[Code::WritableByOthers]),
    (0o777, 2, &[Code::WritableByOthers, Code::ForeignOwner]),
];

#[test]
fn a_directory_is_judged_by_who_can_write_it() {
    for (mode, user, expected) in DIRECTORIES {
        let (mode, user) = (*mode, *user);
        let directory = FileId::new(Root::Pki, "etcd");
        let found = ground(&Ground {
            directories: vec![(directory.clone(), Access { mode, user })],
            files: Vec::new(),
            kubeconfigs: Vec::new(),
            obstacles: BTreeMap::new(),
            requested: BTreeMap::new(),
            listed: std::collections::BTreeSet::new(),
            trusted: vec![0, 1],
        });
        assert_eq!(codes(&found), *expected, "{mode:o} of {user}");
        for finding in found {
            assert_eq!(finding.file, directory);
            let words = match finding.code {
                Code::ForeignOwner => format!("is a directory of user {user}"),
                _ => format!("is a directory of mode {mode:04o}"),
            };
            assert_eq!(finding.text, words);
            let note = finding.severity() == Severity::Note;
            assert_eq!(finding.way_out.is_empty(), note);
        }
    }
}

#[test]
fn a_leaf_and_a_kubeconfig_may_belong_to_the_user_of_a_component() {
    for spec in sample::specs() {
        let mut case = Case::of(&spec.name);
        case.key().access.user = 2;
        match case.observed() {
            Observed::Certificate { access, .. } => access.user = 2,
            Observed::KeyPair { public_access, .. } => public_access.user = 2,
            _ => {}
        }
        let codes = codes(&case.findings());
        let signs = spec.is_ca() || spec.certificate().is_none();
        let foreign = codes.contains(&Code::ForeignOwner);
        assert_eq!(foreign, signs, "{}", spec.name);
        let owned = codes.contains(&Code::KeyOwner);
        assert_eq!(owned, signs || spec.name == "super-admin", "{}", spec.name);
    }
}

fn ed25519() -> PublicKey {
    let script = "openssl genpkey -algorithm ED25519 | openssl pkey -pubout -outform DER";
    PublicKey::from_spki(&crate::oracle::run(script, b"")).unwrap()
}

fn codes(findings: &[Finding]) -> Vec<Code> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn of_very_many_names_the_first_are_told_and_the_rest_counted() {
    for (number, told) in [(20, 20), (21, 21), (3000, 21)] {
        let mut case = Case::of("apiserver");
        let names = (0..number).map(|number| San::Dns(format!("Host{number}.example.com")));
        case.leaf().sans.extend(names);
        let findings = case.findings();
        assert_eq!(codes(&findings), vec![Code::SanExtra; told], "{number}");
        let last = &findings.last().unwrap().text;
        let rest = format!("and {} more of this kind", number - 20);
        assert_eq!(last.starts_with(&rest), number > 20, "{last}");
        let texts: BTreeSet<&str> = findings.iter().map(|finding| &*finding.text).collect();
        assert_eq!(texts.len(), findings.len());
    }
}

#[test]
fn each_code_is_told_alone_where_it_is_the_case_with_its_file_and_a_sentence() {
    for (code, name, change, file, text) in CASES {
        let mut case = Case::of(name);
        change(&mut case);
        let findings = case.findings();
        assert_eq!(codes(&findings), [*code], "{code}: {findings:#?}");
        let finding = &findings[0];
        assert_eq!(finding.name, *name, "{code}");
        assert_eq!(finding.file.name, *file, "{code}");
        assert_eq!(finding.text, *text, "{code}");
    }
}

#[test]
fn a_tree_of_ours_has_no_finding_but_the_members_of_system_masters() {
    for spec in sample::specs() {
        let case = Case::of(&spec.name);
        let expected: &[Code] = if spec.name == "super-admin" {
            &[Code::SystemMasters]
        } else {
            &[]
        };
        assert_eq!(codes(&case.findings()), expected, "{}", spec.name);
    }
}

#[test]
fn a_member_of_system_masters_is_told_whatever_else_is_wrong_with_its_subject() {
    for (name, user, other) in [
        ("admin", "kubernetes-admin", Code::FormerSubject),
        ("scheduler", "root", Code::WrongSubject),
        ("apiserver", "kube-apiserver", Code::WrongSubject),
    ] {
        let told = |group: &str| {
            let mut case = Case::of(name);
            case.other(|wanted| wanted.subject = Name::new(&[group], user));
            codes(&case.findings())
        };
        assert_eq!(
            told("system:masters"),
            [Code::SystemMasters, other],
            "{name}"
        );
        assert_eq!(told("ops"), [Code::WrongSubject], "{name}");
    }
}

#[test]
fn what_is_not_there_has_no_finding() {
    for spec in sample::specs() {
        let findings = diff(&spec, &Observed::Absent, &[], &[0], NOW);
        assert_eq!(findings, [], "{}", spec.name);
    }
}

#[test]
fn a_way_out_stands_with_all_but_notes() {
    for (code, name, change, ..) in CASES {
        let mut case = Case::of(name);
        change(&mut case);
        let way_out = &case.findings()[0].way_out;
        let expected = match code {
            Code::CertificateMode | Code::WritableByOthers => "chmod it to 0644",
            Code::NameConstraints => "see that they permit the subject of every certificate",
            Code::NameForbidden => PERMIT,
            Code::KeyMode => "chmod it to 0600, and replace the key if others may have read it",
            Code::KeyUnsupported | Code::NotACa | Code::PathLength => {
                "certs never replaces a CA or sa.key: restore it from a backup, or move it away"
            }
            // Of a CA above in its file, whose key is not here.
            Code::NotYetValid if *name == "ca" => "set the clock right",
            Code::NotYetValid => {
                "set the clock right, or, if it is right now, see to its CA first, and then to it"
            }
            Code::TrustFormer => "'certs kubeconfig refresh FILE' puts the present ones there",
            Code::IntermediateMissing => {
                "'certs server --force', for the same directories and facts, completes it, and keeps key and certificate"
            }
            Code::Requested => "wait",
            Code::AuthoritySerial => "'certs renew apiserver' names the CA by its key alone",
            _ if code.severity() == Severity::Note => "",
            Code::CaOrder => "put that certificate first",
            Code::SelfNamed => RENAME,
            Code::ForeignOwner => super::ground::FOREIGN,
            _ if code.severity() == Severity::Error => {
                "run the same command with --force to reissue it"
            }
            _ if *name == "admin" => {
                "'certs kubeconfig admin --force', for the same directories and facts, reissues it"
            }
            _ => {
                "'certs server apiserver --force', for the same directories and facts, reissues it"
            }
        };
        assert_eq!(way_out, expected, "{code}");
    }
}

/// Another certificate of the CA, made so many hours before.
fn former(hours: i64) -> Certificate {
    let wanted = spec("ca").certificate().unwrap().clone();
    certificate(&wanted, "ca", &Found::new(), NOW - Duration::hours(hours))
}

#[test]
fn a_ca_is_trusted_by_each_of_its_certificates_that_is_in_date() {
    let mut case = Case::of("admin");
    let present = case.kubeconfig().authorities.clone();
    let held = |case: &mut Case, held: Vec<Certificate>| {
        case.kubeconfig().authorities = held;
        codes(&case.findings())
    };
    let over = former(24 * 3650 + 1);
    // The present one suffices, whatever else of that CA is held.
    let both = [present.clone(), vec![over.clone()]].concat();
    assert_eq!(held(&mut case, both), []);
    assert_eq!(held(&mut case, vec![over.clone()]), [Code::Expired]);
    assert_eq!(
        held(&mut case, vec![over.clone(), former(1)]),
        [Code::TrustFormer]
    );
    // Leaves name their CA by its identifier, and OpenSSL finds it by nothing else.
    let mut other = former(1);
    other.subject_key_identifier = Some(vec![1; 20]);
    assert_eq!(held(&mut case, vec![other]), [Code::WrongCa]);
    assert_eq!(held(&mut case, present.clone()), []);
    case.kubeconfig().beside = vec![("second".to_owned(), these(vec![former(1)]))];
    assert_eq!(codes(&case.findings()), [Code::TrustFormer]);
}

fn these(held: Vec<Certificate>) -> Trusted {
    let embedded = true;
    Trusted::These { held, embedded }
}

#[test]
fn a_ca_of_another_entry_for_the_same_server_is_told_with_the_way_out() {
    let mut case = Case::of("admin");
    let own = case.kubeconfig().authorities.clone();
    let mut beside = vec![("own".to_owned(), these(own))];
    case.kubeconfig().beside.clone_from(&beside);
    assert_eq!(case.findings().len(), 0);
    beside.push(("second".to_owned(), these(vec![stranger("other")])));
    case.kubeconfig().beside = beside;
    let told = case.findings();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].code, Code::TrustExtra);
    assert!(told[0].text.contains("cluster \"second\""), "{told:?}");
    assert!(told[0].way_out.starts_with("take that entry out"));
}

#[test]
fn no_way_out_offers_to_replace_a_ca_or_sa_key() {
    let broken = |name: &str| {
        let file = spec(name).place.key();
        let why = "cannot be used: garbage".to_owned();
        Observed::Unreadable(
            vec![Unreadable {
                file,
                why,
                cause: Cause::Content,
                way_out: None,
                access: None,
                public: None,
            }],
            Vec::new(),
        )
    };
    let odd = [
        ("ca", broken("ca")),
        ("ca", Observed::KeyOnly(open(key("ca")))),
        ("sa", broken("sa")),
        ("sa", Observed::PublicOnly(Vec::new())),
        (
            "sa",
            Observed::KeyPair {
                public_access: access(0o600),
                key: Key {
                    state: KeyState::Locked(String::new()),
                    access: access(0o600),
                },
                public: None,
            },
        ),
    ];
    for (name, observed) in odd {
        let findings = diff(&spec(name), &observed, &[], &[0], NOW);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(
            findings[0].way_out.starts_with("certs never replaces"),
            "{findings:?}"
        );
    }
}

#[test]
fn what_was_not_read_has_the_way_out_of_that() {
    let findings = diff(
        &spec("apiserver"),
        &unreadable(Some("move it away")),
        &[],
        &[0],
        NOW,
    );
    assert_eq!(findings[0].way_out, "move it away");
}

#[test]
fn the_way_out_of_ones_own_identity_names_no_command_that_certs_would_refuse() {
    let mut spec = spec("front-proxy-client");
    spec.name = "alice".to_owned();
    let findings = diff(
        &spec,
        &Observed::KeyOnly(open(key("alice"))),
        &[],
        &[0],
        NOW,
    );
    assert_eq!(
        findings[0].way_out,
        "run the same command with --force to reissue it"
    );
}

#[test]
fn a_key_of_a_kubeconfig_and_of_sa_pub_is_told_in_words_that_fit() {
    let mut case = Case::of("admin");
    *case.key() = open(key("stranger"));
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::KeyMismatch]);
    assert_eq!(
        findings[0].text,
        "holds a key that is not its certificate's"
    );

    let observed = Observed::KeyPair {
        public_access: access(0o600),
        key: open(key("sa")),
        public: Some(vec![key("stranger").public_key().clone()]),
    };
    let findings = diff(&spec("sa"), &observed, &[], &[0], NOW);
    assert_eq!(codes(&findings), [Code::KeyMismatch]);
    assert_eq!(findings[0].file.name, "sa.pub");
    assert_eq!(findings[0].text, "does not hold the public key of sa.key");
}

#[test]
fn each_key_in_sa_pub_is_told_by_what_its_tokens_name_it_by() {
    let told = |names: &[&str], private: Key| {
        let public = names.iter().map(|name| key(name).public_key().clone());
        let observed = Observed::KeyPair {
            public_access: access(0o600),
            key: private,
            public: Some(public.collect()),
        };
        let mut findings = diff(&spec("sa"), &observed, &[], &[0], NOW);
        findings.retain(|finding| finding.code == Code::TokenKeys);
        findings
    };
    let [own, other] = ["sa", "stranger"].map(|name| key(name).public_key().token_key_id());
    assert_ne!(own, other);
    for one in [&["sa"][..], &["sa", "sa"], &["stranger"]] {
        assert_eq!(told(one, open(key("sa"))), [], "{one:?}");
    }
    let [first] = &told(&["sa", "stranger", "sa"], open(key("sa")))[..] else {
        panic!("one finding");
    };
    assert_eq!(first.file.name, "sa.pub");
    assert_eq!(
        first.text,
        format!("holds 2 public keys, and tokens of each are accepted: {own} (sa.key), {other}")
    );
    assert!(
        first.way_out.starts_with("'certs rotate status'"),
        "{first:?}"
    );
    let [second] = &told(&["stranger", "sa"], open(key("sa")))[..] else {
        panic!("one finding");
    };
    let text = format!(
        "holds 2 public keys, and tokens of each are accepted: {other}, {own} (sa.key); that of sa.key is not the first"
    );
    assert_eq!(second.text, text);
    assert!(
        second
            .way_out
            .starts_with("put that of the key that signs first")
    );
    let [neither] = &told(&["stranger", "ca"], open(key("sa")))[..] else {
        panic!("one finding");
    };
    assert!(!neither.text.contains("sa.key"), "{neither:?}");
}

#[test]
fn an_encrypted_key_is_an_error_anywhere_but_at_a_ca() {
    for (name, file) in [
        ("apiserver", "apiserver.key"),
        ("admin", "admin.conf"),
        ("sa", "sa.key"),
    ] {
        let mut case = Case::of(name);
        case.key().state = KeyState::Locked("encrypted".to_owned());
        let findings = case.findings();
        assert_eq!(codes(&findings), [Code::Unreadable], "{name}");
        assert_eq!(findings[0].file.name, file);
        let text = if name == "admin" {
            "has an encrypted key, "
        } else {
            "is encrypted, "
        };
        assert!(findings[0].text.starts_with(text), "{findings:?}");
    }
    let mut case = Case::of("ca");
    case.key().state = KeyState::Locked("encrypted".to_owned());
    assert_eq!(case.findings(), []);
}

#[test]
fn a_key_that_is_of_no_use_hides_nothing_of_its_certificate() {
    let mut case = Case::of("apiserver");
    case.now += Duration::days(400);
    let state = unread(&case, Cause::Content);
    case.key().state = state;
    // Of what was not read the mode is not known either.
    case.key().access.mode = 0o777;
    assert_eq!(codes(&case.findings()), [Code::Unreadable, Code::Expired]);
    let state = unread(&case, Cause::Withheld);
    case.key().state = state;
    assert_eq!(codes(&case.findings()), [Code::KeyUnread, Code::Expired]);
    let mut case = Case::of("sa");
    let state = unread(&case, Cause::Withheld);
    case.key().state = state;
    assert_eq!(codes(&case.findings()), [Code::KeyUnread]);
    let mut case = Case::of("apiserver");
    let state = unread(&case, Cause::Content);
    case.key().state = state;
    let key = case.key().clone();
    *case.observed() = Observed::KeyOnly(key);
    assert_eq!(
        codes(&case.findings()),
        [Code::MissingCertificate, Code::Unreadable]
    );
}

#[test]
fn a_certificate_that_lies_alone_needs_no_key_beside_it() {
    let mut case = Case::of("apiserver");
    case.spec.place = Place::File {
        root: Root::Pki,
        name: "own.pem".to_owned(),
    };
    let key = case.key().clone();
    if let Observed::Certificate { key, .. } = case.observed() {
        *key = None;
    }
    assert_eq!(case.findings(), []);
    let mut foreign = key;
    foreign.access.mode = 0o644;
    foreign.state = open(sample::key("stranger")).state;
    if let Observed::Certificate { key, .. } = case.observed() {
        *key = Some(foreign);
    }
    assert_eq!(codes(&case.findings()), [Code::KeyMode, Code::KeyMismatch]);
}

#[test]
fn every_bit_beyond_0640_is_an_error_of_a_key_and_no_other() {
    for bit in (0..12).map(|bit| 1 << bit) {
        let mut case = Case::of("apiserver");
        case.key().access.mode = bit;
        let told = codes(&case.findings()) == [Code::KeyMode];
        assert_eq!(told, 0o037 & bit != 0, "{bit:04o}");
        let mut case = Case::of("apiserver");
        if let Observed::Certificate { access, .. } = case.observed() {
            access.mode = bit;
        }
        let expected = match bit {
            bit if 0o022 & bit != 0 => vec![Code::WritableByOthers],
            bit if 0o133 & bit != 0 => vec![Code::CertificateMode],
            _ => Vec::new(),
        };
        assert_eq!(codes(&case.findings()), expected, "{bit:04o}");
    }
    let mut case = Case::of("admin");
    case.key().access.mode = 0o604;
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::KeyMode]);
    assert_eq!(findings[0].file.name, "admin.conf");
}

#[test]
fn a_bundle_s_ca_is_the_one_of_the_key_wherever_it_stands() {
    let mut case = Case::of("ca");
    let ended = {
        let mut ended = stranger("ended");
        ended.validity.not_after = NOW - Duration::days(1);
        ended
    };
    case.chain().insert(0, ended.clone());
    assert_eq!(
        codes(&case.findings()),
        [Code::CaOrder],
        "the first is not the one that signs"
    );
    *case.chain() = vec![ended];
    assert_eq!(
        codes(&case.findings()),
        [Code::KeyMismatch, Code::Expired],
        "no certificate is the key's"
    );
    if let Observed::Certificate { key, .. } = case.observed() {
        *key = None;
    }
    assert_eq!(
        codes(&case.findings()),
        [Code::Expired],
        "an external CA's first"
    );
}

#[test]
fn a_ca_that_may_not_sign_for_servers_and_clients_is_none_of_a_cluster() {
    let code_signing = ExtendedKeyUsage::from_oid(vec![1, 3, 6, 1, 5, 5, 7, 3, 3]);
    let any = ExtendedKeyUsage::from_oid(vec![2, 5, 29, 37, 0]);
    let both = vec![ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    for (usages, expected) in [
        (vec![], vec![]),
        (both, vec![]),
        (vec![any], vec![]),
        (vec![ExtendedKeyUsage::ClientAuth], vec![Code::NotACa]),
        (vec![code_signing], vec![Code::NotACa]),
    ] {
        let mut case = Case::of("ca");
        case.chain()[0].extended_key_usage = usages;
        assert_eq!(codes(&case.findings()), expected);
    }
}

#[test]
fn an_anchor_that_has_ended_or_may_not_sign_is_none() {
    let spoil: [fn(&mut Certificate); 3] = [
        |ca| ca.validity.not_after = NOW - Duration::days(1),
        |ca| ca.basic_constraints = None,
        |ca| ca.key_usage = Some(KeyUsage::DIGITAL_SIGNATURE),
    ];
    for spoil in spoil {
        let mut case = Case::of("apiserver");
        let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") else {
            panic!("no CA")
        };
        // Another CA is in the bundle and sound.
        spoil(&mut chain[0]);
        chain.push(stranger("sound"));
        assert!(
            !codes(&case.findings()).is_empty(),
            "the leaf is of the spoilt one"
        );
    }
}

#[test]
fn a_leaf_s_key_must_be_that_of_the_first_certificate() {
    let mut case = Case::of("apiserver");
    let ca = case.authorities().remove(0);
    case.chain().insert(0, ca);
    assert_eq!(codes(&case.findings()), [Code::ChainOrder]);
    // Another leaf there is what the file is.
    let mut case = Case::of("apiserver");
    let other = Case::of("front-proxy-client").leaf().clone();
    case.chain().insert(0, other);
    let told = codes(&case.findings());
    assert!(told.contains(&Code::KeyMismatch) && !told.contains(&Code::ChainOrder));
}

#[test]
fn a_leaf_of_any_ca_of_the_bundle_is_signed() {
    let mut case = Case::of("apiserver");
    if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
        chain.insert(0, stranger("kubernetes"));
    }
    assert_eq!(case.findings(), []);
}

#[test]
fn another_ca_of_the_same_name_is_told_as_such() {
    let mut case = Case::of("apiserver");
    case.found.insert(
        "ca".to_owned(),
        Observed::Certificate {
            chain: vec![stranger("kubernetes")],
            access: access(0o644),
            key: None,
        },
    );
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::NotSigned]);
    assert_eq!(
        findings[0].text,
        "was signed by another CA of the same name, \"CN=kubernetes\""
    );
}

/// root → `intermediate` → leaf, with keys of these names.
fn intermediate(found: &mut Found, common_name: &str, issuer: &str) -> Certificate {
    let mut wanted = spec("ca").certificate().unwrap().clone();
    wanted.subject = Name::new(&[], common_name);
    wanted.issuer = Some(issuer.to_owned());
    wanted.validity = Duration::days(1000);
    let made = certificate(&wanted, "intermediate", found, NOW - Duration::hours(1));
    let observed = Observed::Certificate {
        chain: vec![made.clone()],
        access: access(0o644),
        key: Some(open(key("intermediate"))),
    };
    found.insert("intermediate".to_owned(), observed);
    made
}

#[test]
fn a_leaf_is_followed_through_the_intermediates_of_its_file() {
    let mut case = Case::of("apiserver");
    let through = intermediate(&mut case.found, "intermediate", "ca");
    case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
    assert_eq!(
        codes(&case.findings()),
        [Code::NotSigned],
        "without its chain"
    );
    case.chain().push(through.clone());
    assert_eq!(case.findings(), []);
    // One without CA:TRUE leads nowhere.
    case.chain()[1].basic_constraints = None;
    assert_eq!(codes(&case.findings()), [Code::NotSigned]);
    case.chain()[1] = through;
    case.chain()[1].validity.not_after = NOW - Duration::days(1);
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::Expired]);
    assert_eq!(
        findings[0].text,
        "holds an intermediate that ended on 2025-12-31 12:00:00 UTC"
    );
}

#[test]
fn a_path_length_counts_the_cas_between() {
    let mut case = Case::of("apiserver");
    *case.ca() = of_length(case.ca().clone(), 0);
    assert_eq!(case.findings(), [], "a leaf is no CA");
    let through = intermediate(&mut case.found, "intermediate", "ca");
    case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
    case.chain().push(through);
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::PathLength]);
    let text = "leads to its CA through more CAs than a path length allows";
    assert_eq!(findings[0].text, text);
    *case.ca() = of_length(case.ca().clone(), 1);
    assert_eq!(case.findings(), []);
    // Of the CA's own file.
    let through = case.chain().pop().unwrap();
    let bundle =
        |length, case: &mut Case| vec![through.clone(), of_length(case.ca().clone(), length)];
    for (length, told) in [(0, &[Code::PathLength][..]), (1, &[])] {
        let chain = bundle(length, &mut case);
        let observed = Observed::Certificate {
            chain,
            access: access(0o644),
            key: Some(open(key("intermediate"))),
        };
        let findings = diff(&spec("ca"), &observed, &[], &[0], NOW);
        assert_eq!(codes(&findings), told, "{length}");
    }
}

#[test]
fn a_leaf_s_names_are_held_against_every_ca_on_its_way() {
    let example = || Some(limits(0xa0, 0x82, b"example"));
    // That of an anchor, and none where it permits them.
    let mut case = Case::of("apiserver");
    case.ca().name_constraints = example();
    let names = case
        .leaf()
        .sans
        .iter()
        .filter(|san| matches!(san, San::Dns(_)))
        .count();
    assert_eq!(codes(&case.findings()), vec![Code::NameForbidden; names]);
    case.ca().name_constraints = Some(limits(0xa0, 0x82, b""));
    assert_eq!(case.findings(), []);
    // One of a client without names is no matter.
    let mut client = Case::of("apiserver-kubelet-client");
    client.ca().name_constraints = example();
    assert_eq!(client.findings(), []);
    // That of an intermediate, and of a root above the CA in its file.
    let mut through = intermediate(&mut case.found, "intermediate", "ca");
    case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
    through.name_constraints = example();
    case.chain().push(through.clone());
    assert!(codes(&case.findings()).contains(&Code::NameForbidden));
    case.chain().pop();
    through.name_constraints = None;
    let mut root = case.ca().clone();
    root.name_constraints = example();
    let findings = |root: &Certificate| {
        let bundle = [through.clone(), root.clone()];
        let observed = case.found.get("apiserver").unwrap();
        diff(&case.spec, observed, &bundle, &[0], NOW)
    };
    assert!(codes(&findings(&root)).contains(&Code::NameForbidden));
    root.name_constraints = None;
    assert_eq!(codes(&findings(&root)), [Code::IntermediateMissing]);
}

#[test]
fn a_name_of_a_kind_that_is_not_held_against_constraints_on_it_is_told() {
    let uri = || San::Uri("spiffe://x".to_owned());
    let mut case = Case::of("apiserver");
    case.wanted().sans.push(uri());
    case.leaf().sans.push(uri());
    assert_eq!(case.findings(), []);
    case.ca().name_constraints = Some(limits(0xa0, 0x86, b"y"));
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::NameConstraints]);
    assert_eq!(
        findings[0].text,
        "has the SAN URI:spiffe://x, which is not held against the name constraints of \
         \"CN=kubernetes\""
    );
}

#[test]
fn what_a_ca_that_may_not_sign_has_signed_is_not_told_to_be_another_s() {
    let mut case = Case::of("apiserver");
    let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") else {
        panic!("no CA");
    };
    chain[0].basic_constraints = None;
    // That is told of the CA.
    assert_eq!(case.findings(), []);
    // Of a bundle only those count that may sign.
    let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") else {
        panic!("no CA");
    };
    chain.push(stranger("other"));
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::NotSigned]);
    assert_eq!(
        findings[0].text,
        "was signed by \"CN=kubernetes\", which may not sign"
    );
}

#[test]
fn of_what_a_barred_ca_below_a_sound_root_signed_nothing_is_told_beside_the_ca() {
    let case = || {
        let mut case = Case::of("apiserver");
        let through = intermediate(&mut case.found, "intermediate", "ca");
        case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
        if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
            chain.insert(0, through);
        }
        assert_eq!(codes(&case.findings()), [Code::IntermediateMissing]);
        case
    };
    let bars: [fn(&mut Certificate); 4] = [
        |ca| ca.basic_constraints = None,
        |ca| ca.key_usage = Some(KeyUsage::CRL_SIGN),
        |ca| ca.validity.not_after = NOW - Duration::DAY,
        |ca| ca.validity.not_before = NOW + Duration::DAY,
    ];
    for bar in bars {
        let mut case = case();
        bar(case.ca());
        assert_eq!(codes(&case.findings()), [Code::IntermediateMissing]);
        // Where it is not the CA of the file it is told of the leaf.
        if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
            chain.rotate_left(1);
        }
        let told = case.findings();
        assert_eq!(
            codes(&told),
            [Code::NotSigned, Code::IntermediateMissing],
            "{told:?}"
        );
    }
}

#[test]
fn of_two_intermediates_with_one_key_either_may_lead_to_the_ca() {
    let mut case = Case::of("apiserver");
    let stranger = Observed::Certificate {
        chain: vec![stranger("other")],
        access: access(0o644),
        key: Some(open(key("stranger"))),
    };
    case.found.insert("other".to_owned(), stranger);
    let astray = intermediate(&mut case.found, "intermediate", "other");
    let right = intermediate(&mut case.found, "intermediate", "ca");
    case.other(|wanted| wanted.issuer = Some("intermediate".to_owned()));
    for chain in [[&astray, &right], [&right, &astray]] {
        let leaf = case.leaf().clone();
        let authorities = case.authorities();
        let chain = chain.map(Clone::clone);
        assert!(signed_by(&leaf, &chain, &authorities));
        assert!(!signed_by(&leaf, &chain[..0], &authorities));
    }
    // A circle ends.
    let leaf = case.leaf().clone();
    assert!(!signed_by(
        &leaf,
        &[astray.clone(), astray],
        &case.authorities()
    ));
}

#[test]
fn dns_names_are_the_same_in_any_case() {
    let mut case = Case::of("apiserver");
    case.leaf().sans = case
        .leaf()
        .sans
        .iter()
        .map(|san| match san {
            San::Dns(name) => San::Dns(name.to_uppercase()),
            other => other.clone(),
        })
        .collect();
    assert_eq!(case.findings(), []);
}

#[test]
fn usages_that_are_not_restricted_lack_nothing() {
    let mut case = Case::of("etcd-server");
    case.leaf().key_usage = None;
    case.leaf().extended_key_usage = Vec::new();
    assert_eq!(case.findings(), []);
}

#[test]
fn each_usage_beyond_the_wanted_ones_is_told() {
    let any = ExtendedKeyUsage::from_oid(vec![2, 5, 29, 37, 0]);
    let code_signing = ExtendedKeyUsage::from_oid(vec![1, 3, 6, 1, 5, 5, 7, 3, 3]);
    let mut case = Case::of("apiserver");
    let leaf = case.leaf();
    leaf.extended_key_usage.extend([any, code_signing]);
    leaf.key_usage = Some(
        KeyUsage::DIGITAL_SIGNATURE
            .union(KeyUsage::KEY_AGREEMENT)
            .union(KeyUsage::KEY_CERT_SIGN)
            .union(KeyUsage::CRL_SIGN),
    );
    let texts: Vec<String> = case
        .findings()
        .into_iter()
        .map(|found| found.text)
        .collect();
    let expected = [
        "key usage keyCertSign",
        "key usage cRLSign",
        "extended key usage 2.5.29.37.0",
        "extended key usage 1.3.6.1.5.5.7.3.3",
    ];
    assert_eq!(
        texts,
        expected.map(|usage| format!("has the {usage}, which is not wanted"))
    );
    // Members of etcd are servers and clients.
    assert_eq!(Case::of("etcd-peer").findings(), []);
}

#[test]
fn each_lacking_usage_is_told() {
    let mut case = Case::of("etcd-server");
    case.leaf().key_usage = Some(KeyUsage::CRL_SIGN);
    case.leaf().extended_key_usage = vec![ExtendedKeyUsage::Other(vec![1, 2, 3])];
    let findings = case.findings();
    let texts: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.code == Code::UsageMissing)
        .map(|finding| finding.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "lacks the key usage digitalSignature",
            "lacks the extended key usage serverAuth",
            "lacks the extended key usage clientAuth"
        ]
    );
}

#[test]
fn a_ca_that_may_not_sign_certificates_is_none() {
    let mut case = Case::of("ca");
    case.leaf().key_usage = Some(KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::CRL_SIGN));
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::NotACa]);
    assert_eq!(
        findings[0].text,
        "may not sign: its key usage lacks keyCertSign"
    );
    let mut case = Case::of("ca");
    case.leaf().key_usage = None;
    assert_eq!(case.findings(), []);
}

#[test]
fn a_ca_of_kubeadm_s_or_of_any_other_subject_is_noted_at_most() {
    let mut case = Case::of("ca");
    case.leaf().key_usage = Some(
        KeyUsage::DIGITAL_SIGNATURE
            .union(KeyUsage::KEY_ENCIPHERMENT)
            .union(KeyUsage::KEY_CERT_SIGN),
    );
    case.leaf().subject = Name::parse("/C=CN/O=Example/CN=Corporate").unwrap();
    assert_eq!(codes(&case.findings()), [Code::CaUsage]);
    case.leaf().subject_key_identifier = None;
    case.leaf().serial = Serial::from_der_content(&[0]).unwrap();
    let findings = case.findings();
    assert!(
        findings
            .iter()
            .all(|finding| finding.severity() == Severity::Note)
    );
    assert_eq!(findings.len(), 3);
}

#[test]
fn a_validity_that_its_ca_bounds_is_as_wanted() {
    let mut case = Case::of("apiserver");
    let ca = case.authorities()[0].validity;
    case.wanted().validity = Duration::days(5000);
    case.leaf().validity.not_after = ca.not_after;
    assert_eq!(case.findings(), [], "it ends with its CA");
    let mut case = Case::of("admin");
    case.leaf().validity.not_before = ca.not_before;
    case.wanted().validity = Duration::days(30);
    assert_eq!(
        case.findings(),
        [],
        "kubeadm's kubeconfigs begin with their CA"
    );
    case.wanted().validity = Duration::days(600);
    assert_eq!(codes(&case.findings()), [Code::Validity], "it is too short");
}

#[test]
fn a_validity_may_be_an_hour_off() {
    let mut case = Case::of("apiserver");
    case.wanted().validity += Duration::HOUR;
    assert_eq!(case.findings(), []);
    case.wanted().validity += Duration::SECOND;
    assert_eq!(codes(&case.findings()), [Code::Validity]);
    let mut case = Case::of("apiserver");
    case.wanted().validity -= Duration::HOUR;
    assert_eq!(case.findings(), []);
    case.wanted().validity -= Duration::SECOND;
    assert_eq!(codes(&case.findings()), [Code::Validity]);
}

#[test]
fn a_serial_number_of_64_bits_and_a_common_name_of_64_characters_are_long_and_short_enough() {
    for (first, expected) in [(0x80, vec![]), (0x7f, vec![Code::SmallSerial])] {
        let mut case = Case::of("apiserver");
        let octets = [0, first, 0, 0, 0, 0, 0, 0, 0];
        let octets = if first < 0x80 { &octets[1..] } else { &octets };
        case.leaf().serial = Serial::from_der_content(octets).unwrap();
        assert_eq!(codes(&case.findings()), expected, "{first:x}");
    }
    for (length, expected) in [(64, vec![]), (65, vec![Code::LongName])] {
        let mut case = Case::of("apiserver");
        let subject = Name::new(&[], &"é".repeat(length));
        case.leaf().subject = subject.clone();
        case.wanted().subject = subject;
        assert_eq!(codes(&case.findings()), expected, "{length}");
    }
}

#[test]
fn a_ca_s_subject_counts_only_where_it_was_given() {
    let mut case = Case::of("ca");
    case.wanted().subject_given = true;
    assert_eq!(case.findings(), []);
    case.wanted().subject = Name::new(&[], "another");
    assert_eq!(codes(&case.findings()), [Code::WrongSubject]);
    case.wanted().subject_given = false;
    assert_eq!(case.findings(), []);
}

#[test]
fn a_ca_s_usage_too_much_or_too_little_is_noted() {
    let signs = KeyUsage::KEY_CERT_SIGN;
    for (usage, expected) in [
        (signs, vec![Code::CaUsage]),
        (signs.union(KeyUsage::CRL_SIGN), vec![]),
        (
            signs
                .union(KeyUsage::CRL_SIGN)
                .union(KeyUsage::KEY_ENCIPHERMENT),
            vec![Code::CaUsage],
        ),
    ] {
        let mut case = Case::of("ca");
        case.ca().key_usage = Some(usage);
        assert_eq!(codes(&case.findings()), expected, "{usage:?}");
    }
}

#[test]
fn a_leaf_of_an_anchor_that_has_ended_is_not_signed_by_the_others_of_the_bundle() {
    let mut case = Case::of("apiserver");
    if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
        chain[0].validity.not_after = NOW - Duration::DAY;
        chain.insert(0, stranger("kubernetes"));
    }
    let findings = case.findings();
    assert_eq!(codes(&findings), [Code::NotSigned]);
    assert_eq!(
        findings[0].text,
        "was signed by \"CN=kubernetes\", which ended on 2025-12-31 12:00:00 UTC"
    );
}

#[test]
fn above_a_ca_stand_those_that_signed_it_each_once() {
    let mut found = tree();
    let root = |found: &Found| match &found["ca"] {
        Observed::Certificate { chain, .. } => chain[0].clone(),
        other => panic!("{other:?}"),
    };
    let root = root(&found);
    let below = intermediate(&mut found, "below", "ca");
    let stranger = stranger("kubernetes");
    let bundle = [stranger, below.clone(), root.clone()];
    assert_eq!(above(&below, &bundle, NOW), [&root]);
    assert_eq!(above(&root, &bundle, NOW), [&root; 0]);
    assert_eq!(above(&below, &bundle[..2], NOW), [&root; 0]);
}

#[test]
fn a_ca_of_another_name_is_not_the_signer_for_having_its_key_identifier() {
    let mut case = Case::of("apiserver");
    let identifier = case.ca().subject_key_identifier.clone();
    let mut other = stranger("other");
    other.subject_key_identifier = identifier;
    *case.ca() = other;
    assert_eq!(codes(&case.findings()), [Code::NotSigned]);
    let mut case = Case::of("apiserver");
    let mut other = stranger("kubernetes");
    other.subject_key_identifier = None;
    case.leaf().authority_key_identifier = None;
    *case.ca() = other;
    assert_eq!(codes(&case.findings()), [Code::NotSigned]);
}

#[test]
fn two_cas_that_signed_each_other_stand_above_each_other_once() {
    let mut found = tree();
    let signed = |found: &Found, name: &str, by: Option<&str>| {
        let mut wanted = spec("ca").certificate().unwrap().clone();
        wanted.subject = Name::new(&[], name);
        wanted.issuer = by.map(str::to_owned);
        wanted.validity = Duration::days(1000);
        let made = certificate(&wanted, name, found, NOW - Duration::hours(1));
        let observed = Observed::Certificate {
            chain: vec![made.clone()],
            access: access(0o644),
            key: Some(open(key(name))),
        };
        (made, observed)
    };
    let (_, observed) = signed(&found, "one", None);
    found.insert("one".to_owned(), observed);
    let (two, observed) = signed(&found, "two", Some("one"));
    found.insert("two".to_owned(), observed);
    let (one, _) = signed(&found, "one", Some("two"));
    let bundle = [two.clone(), one.clone()];
    assert_eq!(above(&two, &bundle, NOW), [&one]);
    assert_eq!(above(&one, &bundle, NOW), [&two]);
}

#[test]
fn dates_are_judged_to_the_second() {
    let mut case = Case::of("apiserver");
    let validity = case.leaf().validity;
    for (now, expected) in [
        (validity.not_before, None),
        (
            validity.not_before - Duration::SECOND,
            Some(Code::NotYetValid),
        ),
        (validity.not_after, None),
        (validity.not_after + Duration::SECOND, Some(Code::Expired)),
    ] {
        case.now = now;
        assert_eq!(codes(&case.findings()), expected.as_slice(), "{now}");
    }
}

#[test]
fn a_kubeconfig_tells_what_it_lacks_and_what_it_has_too_much() {
    let mut case = Case::of("admin");
    if let Some(Observed::Certificate { chain, .. }) = case.found.get_mut("ca") {
        chain.push(stranger("next"));
    }
    case.kubeconfig().authorities.push(stranger("other"));
    assert_eq!(
        codes(&case.findings()),
        [Code::TrustMissing, Code::TrustExtra]
    );
}

#[test]
fn a_key_of_another_kind_is_told_by_its_kind() {
    let mut case = Case::of("apiserver");
    case.leaf().public_key = ed25519();
    let findings = case.findings();
    let texts: Vec<&str> = findings
        .iter()
        .map(|finding| finding.text.as_str())
        .collect();
    assert_eq!(
        texts,
        [
            "is not the key of the certificate beside it",
            "has a key of Ed25519, not ECDSA-P256"
        ]
    );
}

/// Which way a leaf can be other than wanted, and in what.
fn other_leaves() -> Vec<(&'static str, Certificate)> {
    let mut case = Case::of("apiserver");
    let good = case.leaf().clone();
    let mut leaves = Vec::new();
    let mut add = |what, change: &dyn Fn(&mut Certificate)| {
        let mut leaf = good.clone();
        change(&mut leaf);
        leaves.push((what, leaf));
    };
    for text in [
        "10.0.0.9",
        "a.example",
        "A.EXAMPLE",
        "a@b",
        "::9",
        "00",
        "DNS:x",
        "x y",
    ] {
        let mut sans = vec![
            San::Dns(text.to_owned()),
            San::Email(text.to_owned()),
            San::Other(text.as_bytes().to_vec()),
            San::Uri(text.to_owned()),
        ];
        sans.extend(text.parse().map(San::Ip));
        for san in sans {
            add("extra SAN", &|leaf| leaf.sans.push(san.clone()));
        }
    }
    let attribute = |tag: u8, arc: u64, value: &[u8]| {
        let pair = der::sequence(&[&der::oid(&[2, 5, 4, arc]), &der::tlv(tag, value)]);
        der::tlv(der::SET, &pair)
    };
    for parts in [
        vec![attribute(der::UTF8_STRING, 3, b"other")],
        vec![attribute(der::UTF8_STRING, 3, b"CN=other")],
        vec![attribute(der::UTF8_STRING, 3, b"other,O=x")],
        vec![
            attribute(der::UTF8_STRING, 3, b"other"),
            attribute(der::UTF8_STRING, 10, b"x"),
        ],
        vec![
            attribute(der::UTF8_STRING, 10, b"x"),
            attribute(der::UTF8_STRING, 3, b"other"),
        ],
        vec![attribute(0x14, 3, b"oth\xe9r")],
        vec![
            attribute(der::UTF8_STRING, 3, "othér".as_bytes()),
            attribute(der::UTF8_STRING, 99, b"x"),
        ],
        vec![attribute(der::OCTET_STRING, 3, b"other")],
        vec![],
    ] {
        let name = Name::from_der(&der::tlv(der::SEQUENCE, &parts.concat())).unwrap();
        add("subject", &|leaf| leaf.subject = name.clone());
    }
    let signature = KeyUsage::DIGITAL_SIGNATURE;
    let (certificates, lists) = (KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN);
    for usage in [
        KeyUsage::default(),
        certificates,
        lists,
        signature.union(certificates),
        signature.union(lists),
        signature.union(certificates).union(lists),
        signature.union(KeyUsage::KEY_ENCIPHERMENT),
    ] {
        add("key usage", &|leaf| leaf.key_usage = Some(usage));
    }
    for arcs in [
        vec![2, 5, 29, 37, 0],
        vec![1, 3, 6, 1, 5, 5, 7, 3, 3],
        vec![1, 2],
        vec![1, 2, 3],
    ] {
        let usage = ExtendedKeyUsage::from_oid(arcs);
        add("usage", &|leaf| leaf.extended_key_usage.push(usage.clone()));
    }
    for seconds in [1, 2, 3600, 7200, 86_400] {
        let end = NOW - Duration::seconds(seconds);
        add("end", &|leaf| leaf.validity.not_after = end);
        add("begin", &|leaf| {
            leaf.validity.not_before = NOW + Duration::seconds(seconds);
        });
        let more = Duration::hours(2) + Duration::seconds(seconds);
        add("validity", &|leaf| leaf.validity.not_after += more);
    }
    for public in [ed25519(), key("stranger").public_key().clone()] {
        add("key", &|leaf| leaf.public_key = public.clone());
    }
    leaves
}

#[test]
fn two_ways_to_be_other_than_wanted_are_never_told_in_the_same_words() {
    let mut told: Vec<(&str, Certificate, Vec<String>)> = Vec::new();
    for (what, leaf) in other_leaves() {
        let mut case = Case::of("apiserver");
        *case.leaf() = leaf.clone();
        let texts: Vec<String> = case
            .findings()
            .into_iter()
            .map(|found| found.text)
            .collect();
        for (other, former, others) in &told {
            let same_subject = leaf.subject.same_values(&former.subject);
            if what == *other && (what != "subject" || !same_subject) && !texts.is_empty() {
                assert_ne!(texts, *others, "{what}: {leaf:?} and {former:?}");
            }
        }
        told.push((what, leaf, texts));
    }
    assert!(told.len() > 60, "{}", told.len());
}

#[test]
fn no_two_facts_are_told_in_the_same_words() {
    for spec in sample::specs() {
        let mut case = Case::of(&spec.name);
        if spec.certificate().is_none() {
            continue;
        }
        let leaf = case.leaf();
        leaf.sans = vec![San::Dns("a".to_owned()), San::Dns("b".to_owned())];
        leaf.key_usage = Some(KeyUsage::CRL_SIGN);
        leaf.extended_key_usage = vec![ExtendedKeyUsage::Other(vec![1, 2, 3])];
        leaf.subject = Name::new(&["other"], &"o".repeat(70));
        leaf.basic_constraints = None;
        leaf.unknown_critical = vec!["1.2.3".to_owned(), "1.2.4".to_owned()];
        leaf.subject_key_identifier = None;
        case.key().access.mode = 0o777;
        *case.key() = Key {
            state: KeyState::Open(Arc::clone(&key("stranger"))),
            access: access(0o777),
        };
        case.now = NOW + Duration::days(10_000);
        let findings = case.findings();
        assert!(findings.len() > 5, "{findings:?}");
        let texts: BTreeSet<_> = findings
            .iter()
            .map(|finding| (&finding.file, &finding.text))
            .collect();
        assert_eq!(texts.len(), findings.len(), "{findings:#?}");
    }
}

/// What a report says of a file tells which of all facts is the case.
#[test]
fn two_different_facts_never_give_the_same_finding_text() {
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    // The reasons why a file is not read are the reader's, and here all the same one.
    let read = CASES
        .iter()
        .filter(|(.., text)| !text.starts_with("cannot be used"));
    for (code, name, _, file, text) in read {
        assert!(told.insert((file, text)), "{code} of {name}: {text}");
    }
    // One fact with other values in it: each is in the text.
    let texts = |changes: &mut dyn Iterator<Item = (&'static str, Change)>| {
        let texts: Vec<String> = changes
            .map(|(name, change)| {
                let mut case = Case::of(name);
                change(&mut case);
                let findings = case.findings();
                assert_eq!(findings.len(), 1, "{name}: {findings:#?}");
                format!("{} {}", findings[0].file, findings[0].text)
            })
            .collect();
        let once: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(once.len(), texts.len(), "{texts:#?}");
    };
    let subjects: [(&str, Change); 5] = [
        ("apiserver", |case| {
            case.other(|wanted| wanted.subject = Name::new(&[], "a"));
        }),
        ("apiserver", |case| {
            case.other(|wanted| wanted.subject = Name::new(&[], "a,O=b"));
        }),
        ("apiserver", |case| {
            case.other(|wanted| wanted.subject = Name::new(&["b"], "a"));
        }),
        ("apiserver", |case| {
            case.other(|wanted| wanted.subject = Name::new(&["a"], "b"));
        }),
        ("apiserver", |case| {
            case.other(|wanted| wanted.subject = Name::new(&[], "a\u{202e}"));
        }),
    ];
    texts(&mut subjects.into_iter());
    let sans: [(&str, Change); 4] = [
        ("apiserver", |case| {
            case.leaf().sans.push(San::Dns("10.9.9.9".into()));
        }),
        ("apiserver", |case| {
            case.leaf().sans.push(San::Ip([10, 9, 9, 9].into()));
        }),
        ("apiserver", |case| {
            case.leaf().sans.push(San::Uri("10.9.9.9".into()));
        }),
        ("apiserver", |case| {
            case.leaf().sans.push(San::Email("10.9.9.9".into()));
        }),
    ];
    texts(&mut sans.into_iter());
    let modes: [(&str, Change); 3] = [
        ("apiserver", |case| case.key().access.mode = 0o644),
        ("apiserver", |case| case.key().access.mode = 0o604),
        ("etcd-server", |case| case.key().access.mode = 0o644),
    ];
    texts(&mut modes.into_iter());
}

#[test]
fn a_leaf_that_names_the_serial_number_of_its_ca_or_of_one_in_its_bundle_is_sound() {
    let mut case = Case::of("apiserver");
    let serial = case.ca().serial.clone();
    case.leaf().authority_serial = Some(serial);
    assert_eq!(codes(&case.findings()), [Code::ExpiresSoon; 0]);
    // Issued anew for the same key, with the former certificate behind it.
    let former = case.ca().clone();
    case.ca().serial = Serial::new([0x22; 20]);
    assert_eq!(codes(&case.findings()), [Code::AuthoritySerial]);
    match case.found.get_mut("ca").unwrap() {
        Observed::Certificate { chain, .. } => chain.push(former),
        other => panic!("{other:?}"),
    }
    assert_eq!(codes(&case.findings()), [Code::ExpiresSoon; 0]);
}
