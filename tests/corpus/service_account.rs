//! What may befall the service account keys.

use crate::common::base::Base;
use crate::fault::{Fault, Mended};

/// The table.
pub const FAULTS: &[Fault] = &[
    Fault {
        name: "sa.pub is another key's",
        base: Base::Ecdsa,
        of: "sa",
        recipe: "openssl pkey -in <(openssl ecparam -name prime256v1 -genkey -noout) -pubout > pki/sa.pub",
        told: &["error key-mismatch pki/sa.pub does not hold the public key of sa.key"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub is another RSA key's",
        base: Base::Default,
        of: "sa",
        recipe: "openssl pkey -in pki/ca.key -pubout > pki/sa.pub",
        told: &["error key-mismatch pki/sa.pub does not hold the public key of sa.key"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub is there, and sa.key is not",
        base: Base::Ecdsa,
        of: "sa",
        recipe: "rm pki/sa.key",
        told: &["error missing-key pki/sa.pub stands without sa.key"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.key is garbage",
        base: Base::Ecdsa,
        of: "sa",
        recipe: "echo garbage > pki/sa.key",
        told: &[
            "error unreadable pki/sa.key cannot be used: no usable private key: the file holds no block BEGIN … PRIVATE KEY",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub is garbage",
        base: Base::OpenSsl,
        of: "sa",
        recipe: "echo garbage > pki/sa.pub",
        told: &[
            "error unreadable pki/sa.pub cannot be used: no public key: a block BEGIN PUBLIC KEY is expected",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.key is encrypted",
        base: Base::OpenSsl,
        of: "sa",
        recipe: "encrypt pki/sa.key",
        told: &[
            "error unreadable pki/sa.key is encrypted, and the components of Kubernetes open no encrypted key",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.key is an Ed25519 one",
        base: Base::OpenSsl,
        of: "sa",
        recipe: "service_account kind=ed25519",
        told: &[
            "error unreadable pki/sa.key cannot be used: a private key of the kind Ed25519 is not supported: use RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "everyone may read sa.key",
        base: Base::Ecdsa,
        of: "sa",
        recipe: "chmod 604 pki/sa.key",
        told: &["error key-mode pki/sa.key has the mode 0604"],
        mended: Mended::Never,
    },
    Fault {
        name: "a group may write sa.pub",
        base: Base::Ours,
        of: "sa",
        recipe: "chmod 664 pki/sa.pub",
        told: &["error writable-by-others pki/sa.pub has the mode 0664"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub may be executed",
        base: Base::Ours,
        of: "sa",
        recipe: "chmod 744 pki/sa.pub",
        told: &["warning certificate-mode pki/sa.pub has the mode 0744"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub holds sa.key too",
        base: Base::OpenSsl,
        of: "sa",
        recipe: "cat pki/sa.key >> pki/sa.pub",
        told: &[
            "error unreadable pki/sa.pub cannot be used: it holds a private key, which others may have read: take it out, and replace that key",
        ],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.pub is a symbolic link",
        base: Base::Ours,
        of: "sa",
        recipe: "mv pki/sa.pub pki/real.pub; ln -s real.pub pki/sa.pub",
        told: &["error unreadable pki/sa.pub is a symbolic link, not a file"],
        mended: Mended::Never,
    },
    Fault {
        name: "sa.key and sa.pub are gone from a node that joined",
        base: Base::Joined,
        of: "sa",
        recipe: "rm pki/sa.*",
        told: &[
            "error not-copied pki/sa.key is not there, and a node that joins makes none of its own",
        ],
        mended: Mended::Never,
    },
];
