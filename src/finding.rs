//! One way in which what is there differs from what is wanted.
//!
//! The codes are stable: scripts select by them. The table gives each its severity, what it means
//! and what says so; `docs/findings.md` is made from it.

mod citation;

use std::fmt::{self, Write as _};

use citation::{
    ADMINISTRATORS, ASKING, BOOTSTRAP, CHECK, CONFIGURATION, COPIES, EXPIRATION, EXTERNAL, FILES,
    HASHES, IMPORTING, INTERMEDIATES, ISSUING, KEYS, KUBECONFIGS, MODE_OF_CERTIFICATES,
    MODE_OF_KEYS, OWNERS, PATHS, PROFILES, ROTATION, SEPARATE_CAS, SERIALS, SERVICE_ACCOUNTS,
    SIGNING, SINGLE_ROOT, USERS, WAY,
};

pub use citation::Citation;

use Citation::Rfc;

use crate::location::FileId;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Told, and never changes an exit code.
    Note,
    /// Kept, exit code 3.
    Warning,
    /// Refuses the run before the first write, exit code 4.
    Error,
}

impl Severity {
    /// As reports say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Note => "note",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $id:literal $severity:ident $about:literal, $citation:expr;)+) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $about] $variant,)+
        }

        impl Code {
            /// Every code, in alphabetical order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The stable name.
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)+ }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)+ }
            }

            /// What it means, in one sentence.
            pub fn about(self) -> &'static str {
                match self { $(Code::$variant => $about,)+ }
            }

            /// Why it is one: what says so.
            pub fn citation(self) -> Citation {
                match self { $(Code::$variant => $citation,)+ }
            }
        }
    };
}

codes! {
    Absent "absent" Warning "a component whose other files are there fails without it", PATHS;
    Assumed "assumed" Warning "a default is asked for, since no file tells what the cluster has and nobody stated it", CONFIGURATION;
    AuthoritySerial "authority-serial" Warning "names its CA by the serial number of another certificate of the CA's key, so that OpenSSL finds no issuer; Go passes over it", Rfc(5280, "section 4.2.1.1");
    BackupDamaged "backup-damaged" Error "a backup lacks a file, holds another than the run replaced, or has no list", FILES;
    BackupElsewhere "backup-elsewhere" Error "the run replaced files in a directory too that this run was not given", FILES;
    BadSignature "bad-signature" Error "names this CA as its issuer, but the CA's key does not verify it", Rfc(5280, "section 6.1.3");
    BasicConstraints "basic-constraints-not-critical" Note "a CA's basic constraints are not critical", Rfc(5280, "section 4.2.1.9");
    BootstrapDiffers "bootstrap-differs" Error "bootstrap-kubelet.conf is there, for another token, server or CA", BOOTSTRAP;
    CaAbsent "ca-absent" Error "the CA that signs it is not there", SINGLE_ROOT;
    CaKeyLocked "ca-key-locked" Error "the CA's key is needed and cannot be opened", Rfc(5958, "section 3");
    CaOrder "ca-order" Warning "the first certificate of a CA's file is not its key's, or a former one of that key", INTERMEDIATES;
    CaShortened "ca-shortened" Warning "a CA that is renewed ends sooner than the former one, and what it signed elsewhere with it", ISSUING;
    CaTooShort "ca-too-short" Error "a CA that is to be renewed would end before what it signed, which is not renewed with it", ISSUING;
    CaUsage "ca-usage" Note "a CA's key usage or SAN is another than a CA needs", Rfc(5280, "section 4.2.1.3");
    CertificateMode "certificate-mode" Warning "a certificate's mode goes beyond 0644", MODE_OF_CERTIFICATES;
    ChainOrder "chain-order" Error "the first certificate of a leaf's file is a CA's, and that of its key stands behind it", Rfc(8446, "section 4.4.2");
    ChangedSince "changed-since" Error "it is no longer what the run that is to be rolled back wrote", FILES;
    CriticalExtension "critical-extension" Error "it has a critical extension that Kubernetes does not know, and therefore refuses", Rfc(5280, "section 4.2");
    CrossMissing "cross-certificate-missing" Warning "a CA was replaced, and the API server does not send the new one as the former one signed it, so that who trusts that alone is cut off", ROTATION;
    EndsSooner "ends-sooner" Warning "what is renewed, or came back, ends sooner than what it replaces", ISSUING;
    ExpiresSoon "expires-soon" Warning "its time ends soon, or that of a CA above it (--within, --ca-within)", EXPIRATION;
    ExpiresWithCa "expires-with-ca" Note "ends with its CA, before its validity has passed", Rfc(5280, "section 6.1.3");
    Expired "expired" Error "its time is over", Rfc(5280, "section 4.1.2.5");
    ExternalCa "external-ca" Error "the CA's key is not here, so that it cannot be issued here", EXTERNAL;
    ForeignOwner "foreign-owner" Warning "a directory, or what the cluster trusts, belongs to a user who is neither root nor who runs this", OWNERS;
    FormerSubject "former-subject" Note "the subject is one that kubeadm gave it once", USERS;
    HalvedPair "halved-pair" Error "a kubeconfig has one of the two files of a pair that is to be made anew, and would be left with a key that is not its certificate's", ISSUING;
    IntermediateMissing "intermediate-missing" Warning "a CA between a leaf and its root is not in the leaf's file, so that who trusts the root alone cannot follow", Rfc(8446, "section 4.4.2");
    InterruptedRun "interrupted-run" Warning "a run was interrupted, so what is half done of it is not judged; the next one that writes completes it", FILES;
    KeyAlgorithm "key-algorithm" Warning "the key is of another algorithm than wanted", CONFIGURATION;
    KeyEncipherment "key-encipherment-on-ec" Note "keyEncipherment on an EC key, where it has no meaning", Rfc(8813, "section 3");
    KeyIdentifier "key-identifier" Error "a CA's new certificate has another subject key identifier than the former one, by which its leaves name it", Rfc(5280, "section 4.2.1.2");
    KeyMismatch "key-mismatch" Error "the key is not the certificate's", Rfc(8446, "section 4.4.3");
    KeyMode "key-mode" Error "others may read or change a kubeconfig, or a file that holds a private key or a token (a mode beyond 0640), or look into a backup (beyond 0700)", MODE_OF_KEYS;
    KeyNotNeeded "key-not-needed" Warning "a node has a key that its roles do not need", COPIES;
    KeyOwner "key-owner" Note "a key that signs, or whose user is a member of system:masters, belongs to a user who is neither root nor who runs this", OWNERS;
    KeyShared "key-shared" Error "two nodes have one key, so that who has one of them can be the other", COPIES;
    KeyUnread "key-unread" Note "it holds a key that this user may not read, so that it was not checked", CHECK;
    KeyUnsupported "key-unsupported" Error "a CA's key is of a kind or size that must not sign, or a key is asked for with that signs nothing here", KEYS;
    KubeletSelfSigned "kubelet-self-signed" Note "the kubelet made it itself, so that nobody can verify it", BOOTSTRAP;
    KubeconfigFiles "kubeconfig-files" Error "a kubeconfig holds what it was asked to name, or the other way round (--embed-certs)", ISSUING;
    KubeconfigForeign "kubeconfig-foreign" Error "a kubeconfig that is to be refreshed has no entry of this cluster", KUBECONFIGS;
    LargeKey "large-key" Warning "an RSA key of more than 8192 bits, which no component takes in a handshake (Go's crypto/tls)", KEYS;
    LeafIsCa "leaf-is-ca" Error "a certificate that must not sign is a CA", Rfc(5280, "section 4.2.1.9");
    LongName "long-common-name" Note "the common name is longer than 64 characters", Rfc(5280, "appendix A.1");
    MissingCertificate "missing-certificate" Error "a key without its certificate", PATHS;
    MissingKey "missing-key" Error "a certificate without its key", PATHS;
    NameConstraints "name-constraints" Warning "a CA has name constraints on a kind of names that is not checked here", Rfc(5280, "section 4.2.1.10");
    NameForbidden "name-not-permitted" Error "a CA's name constraints do not permit one of its names", Rfc(5280, "section 4.2.1.10");
    NamesTaken "kubeconfig-names-taken" Error "another cluster has, in a kubeconfig, the name or the user of the entry to be written", KUBECONFIGS;
    NewRoot "new-root" Warning "with the new certificate of a CA that is in use the cluster trusts one that it did not trust before", IMPORTING;
    NoBackup "no-backup" Error "there is no backup from which a rollback could put anything back", FILES;
    NoKeyIdentifier "no-subject-key-identifier" Note "a certificate without subject key identifier", Rfc(5280, "section 4.2.1.2");
    NotACa "not-a-ca" Error "its basic constraints or key usage do not let it sign certificates", Rfc(5280, "section 4.2.1.9");
    NotAsked "not-asked" Warning "requests.json tells of what this tree did not ask for", ASKING;
    NotCopied "not-copied" Error "a node that joins shares the cluster's CAs and service account keys, and this one is not here", COPIES;
    NotLookedAt "not-looked-at" Warning "it lies too deep, among too many or beyond too much for a check to look into it, is too large and may hold a certificate, a key or a kubeconfig, is a pipe, a socket, a device or a link to elsewhere, its name is no UTF-8, or this user may not look into it; or a rotation passed over it, since it cannot be read", WAY;
    NotRenewed "not-renewed" Warning "it is due, and was not renewed", ISSUING;
    NotSelfSigned "not-self-signed" Error "a CA that another one signed, which only that one can renew", INTERMEDIATES;
    NotReturned "not-returned" Error "a certificate that was asked for did not come back", IMPORTING;
    NotRotated "not-rotated" Error "a CA, or the key of the service accounts, cannot be replaced as things are, or hangs on the former one still", ROTATION;
    NotSigned "not-signed-by-ca" Error "another CA signed it, or one that may not sign or is not in date", Rfc(5280, "section 6.1.3");
    NotYetValid "not-yet-valid" Error "its time has not come; or this machine's clock is wrong", Rfc(5280, "section 4.1.2.5");
    OtherCa "other-ca" Error "another CA's certificate lies where that of the CA that signs is to be put", INTERMEDIATES;
    OutlivesCa "outlives-ca" Warning "a CA above it ends before it does, and it with that", Rfc(5280, "section 6.1.3");
    PathLength "path-length" Error "a CA's path length allows fewer CAs below it", Rfc(5280, "section 4.2.1.9");
    ReadFailed "read-failed" Error "the system did not let it be read, so that it is not known what it is; the exit code is 1", CHECK;
    RequestCa "request-for-ca" Error "a request asks for a CA, and its profile is none", SIGNING;
    RequestExtension "request-extension" Error "a request asks for an extension that no profile has", SIGNING;
    RequestKey "request-key" Error "the key of a request is weak, of a kind that is not supported, or one that signs for the cluster, or the request is not the one that requests.json tells of", SIGNING;
    RequestSan "request-san" Error "a request asks for a name that the facts do not state", SIGNING;
    RequestSanTaken "request-san-taken" Note "a name was taken from the request (--accept-sans)", SIGNING;
    RequestSignature "request-signature" Error "a request is not signed with its own key, so that who asks need not have it", Rfc(2986, "section 3");
    RequestSubject "request-subject" Error "a request asks for another subject than the profile's", SIGNING;
    RequestUsage "request-usage" Error "a request asks for a usage that its profile has not", SIGNING;
    Requested "requested" Error "a key whose certificate is asked for and has not come: another key would make that useless", ASKING;
    RestoredExpired "restored-expired" Warning "a rollback puts back a certificate whose time is over", FILES;
    RestoredHalf "restored-half" Warning "a rollback puts back one file of a pair whose other file the run had created, or a pair of which a kubeconfig has half", FILES;
    RootDropped "root-dropped" Warning "the new certificate of a CA that is in use leads to another root than the former one, so that who trusts that root alone is cut off", IMPORTING;
    RootNotSent "root-not-sent" Error "the new certificate of a CA that is in use leads to no root, and the former one did, so that who trusts that root alone would be cut off", IMPORTING;
    Rotation "rotation" Note "a CA, or the key of the service accounts, is being replaced, and the files tell how far that is, and what the former CA signed", ROTATION;
    RotationOrder "rotation-order" Error "a stage of a replacement was asked for, and another comes first", ROTATION;
    SameCaName "same-ca-name" Warning "two CAs have one subject and different keys, so that what one signed is held against the other", Rfc(5280, "section 4.1.2.4");
    SameSerial "same-serial" Warning "its issuer gave its serial number to another certificate too", Rfc(5280, "section 4.1.2.2");
    SanExtra "san-extra" Warning "it is good for names beyond the wanted ones", PROFILES;
    SanMissing "san-missing" Error "a wanted name is lacking", PROFILES;
    SelfNamed "named-like-its-ca" Error "its subject would be its issuer's", Rfc(5280, "section 3.2");
    Server "kubeconfig-server" Warning "the kubeconfig points at another API server than wanted", KUBECONFIGS;
    ServerNotInSans "server-not-in-sans" Error "the API server's certificate is not good for the host that the kubeconfig names", PROFILES;
    SeveralCertificates "several-certificates" Warning "the file that the controller manager signs with must hold exactly one certificate", INTERMEDIATES;
    SharedCa "shared-ca" Warning "one CA in two places, so that what it signed for one is let in at the other", SEPARATE_CAS;
    SharedDiffers "shared-differs" Error "a node has another file than the other nodes, where all must have the same", COPIES;
    ShortLived "short-lived" Warning "it lasts for less than nine days, and is due so late that a run a day may come after its end", EXPIRATION;
    SigningKey "signing-key" Error "a certificate that must not sign is for the key of a CA or of the service accounts: whoever uses it could make any other, or any token", SIGNING;
    SmallSerial "small-serial" Note "the serial number has less than 64 bits", SERIALS;
    Superseded "superseded" Warning "it has ended, and a newer one of its name and CA is there, which components use", EXPIRATION;
    SystemMasters "system-masters" Note "a member of system:masters, whom no authorization stops", ADMINISTRATORS;
    TokenKeys "token-keys" Note "sa.pub holds several public keys, as while the key of the service accounts is replaced: tokens of each are accepted; 'certs show' tells the kid of each", SERVICE_ACCOUNTS;
    TooLarge "too-large" Error "a kubeconfig would be larger than 1 MiB, made anew with what else is in it, or a certificate would have more than 5000 names", ISSUING;
    TrustExtra "kubeconfig-trust-extra" Warning "the kubeconfig trusts a CA that the CA file does not hold, be it in another entry for the same server, or whoever answers there or where else one of its users goes", ROTATION;
    TrustFile "kubeconfig-trust-file" Warning "a kubeconfig that is to be refreshed, or hangs on a CA that is replaced, names a file for its CA certificates, which does not hold those of the cluster", ROTATION;
    TrustFormer "kubeconfig-trust-former" Warning "the kubeconfig trusts the CA by another certificate than the CA file holds, as before a renewal: what the CA signs is good there until that one ends", Rfc(5280, "section 6.1.1");
    TrustMissing "kubeconfig-trust-missing" Note "the kubeconfig lacks a CA that the CA file holds", ROTATION;
    UnrelatedCa "unrelated-ca" Error "a CA came back that is neither asked for here nor above what was asked for", INTERMEDIATES;
    Unreadable "unreadable" Error "it is not what its place asks for", PATHS;
    UsageExtra "usage-extra" Warning "it may be used for more than what is wanted", PROFILES;
    UsageMissing "usage-missing" Error "a wanted key usage or extended key usage is lacking", PROFILES;
    Validity "validity" Warning "it was issued for another time than wanted", CONFIGURATION;
    WeakHash "weak-hash" Error "signed with a hash that Go and OpenSSL accept no more", HASHES;
    WeakKey "weak-key" Warning "an RSA key of less than 2048 bits", KEYS;
    WritableByGroup "writable-by-group" Note "the group of a directory may write what the cluster trusts", FILES;
    WritableByOthers "writable-by-others" Error "others may write what the cluster trusts, or a directory that holds it", FILES;
    WrongCa "kubeconfig-ca" Error "the kubeconfig does not trust the CA, or has no CA certificates", ROTATION;
    WrongSubject "wrong-subject" Error "its subject is another than wanted", PROFILES;
}

/// The text of `docs/findings.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Findings\n\n\
         <!-- Made from the table in `src/finding.rs`: `UPDATE_DOCS=1 cargo test --test docs` writes this page. -->\n\n\
         One way in which what is there differs from what is wanted. The codes are stable, so that a script can select\n\
         by them; the sentences that go with them are not.\n\n\
         | severity | what happens | exit code |\n\
         |---|---|---|\n\
         | error | the run is refused before its first write | 4 |\n\
         | warning | the run goes on, and keeps a file that is there | 3, or 0 with `--fail-on error` |\n\
         | note | the file is kept; a sound tree of kubeadm's has some | 0 |\n\n\
         A file that could not be read at all, `read-failed`, refuses the run too, and the exit code is 1.\n\
         An error in a leaf or a kubeconfig is no refusal where `--force` replaces it. CA pairs and `sa.key` are never\n\
         replaced.\n\n\
         | code | severity | meaning | why |\n\
         |---|---|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(
            text,
            "| `{code}` | {} | {} | {} |",
            code.severity().name(),
            code.about(),
            code.citation().markdown()
        );
    }
    text
}

/// A finding about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub code: Code,
    /// The profile's name.
    pub name: String,
    /// The file it is about.
    pub file: FileId,
    /// What is the case, after the file's name: `lacks the SAN 10.0.0.9`.
    pub text: String,
    /// What can be done; empty where nothing need be.
    pub way_out: String,
}

impl Finding {
    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}
