//! The tokens of service accounts at each stage of `certs rotate sa`, as a JWT library sees them.

use std::process::Command;

use serde_json::{Value, json};

mod common;
use common::base::Base;
use common::rotation::{KINDS, STAGES, WHEN, rotate};
use common::{each, run, venv};

/// Signs with the key of the first folder and with that of the third, and tells of each folder: the keys of
/// sa.pub by their identifiers, which of them is sa.key's, and which verify either token.
/// An identifier is that of Kubernetes: base64url of SHA-256 of the DER SubjectPublicKeyInfo.
const JUDGE: &str = r"
import base64, hashlib, json, re, sys
import jwt
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

when, *folders = sys.argv[1:]

def identifier(key):
    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b'=').decode()

def private(folder):
    return form.load_pem_private_key(open(folder + '/sa.key', 'rb').read(), None)

def public(folder):
    blocks = re.findall(b'-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n', open(folder + '/sa.pub', 'rb').read(), re.S)
    return [form.load_pem_public_key(block) for block in blocks]

def algorithm(key):
    return 'RS256' if isinstance(key, rsa.RSAPublicKey) else 'ES256'

def token(folder):
    key = private(folder)
    headers = {'kid': identifier(key.public_key())}
    claims = {'iss': 'https://kubernetes.default.svc', 'sub': 'system:serviceaccount:default:default', 'iat': int(when)}
    return jwt.encode(claims, key, algorithm=algorithm(key.public_key()), headers=headers)

def good(token, key):
    try:
        told = jwt.decode(token, key, algorithms=[algorithm(key)], options={'verify_iat': False})
    except jwt.InvalidTokenError:
        return False
    return told['sub'] == 'system:serviceaccount:default:default'

tokens = [token(folders[0]), token(folders[2])]
print(json.dumps({
    'kids': [jwt.get_unverified_header(token)['kid'] for token in tokens],
    'algorithms': [jwt.get_unverified_header(token)['alg'] for token in tokens],
    'stages': [{
        'keys': [identifier(key) for key in public(folder)],
        'signs': identifier(private(folder).public_key()),
        'verified': [[good(token, key) for key in public(folder)] for token in tokens],
    } for folder in folders],
}))
";

/// By which keys of sa.pub a token is verified at each stage: one that the former key signed, and one that the new
/// one did.
fn verified() -> [Value; STAGES.len()] {
    [
        json!([[true], [false]]),
        json!([[true, false], [false, true]]),
        json!([[false, true], [true, false]]),
        json!([[false], [true]]),
    ]
}

#[test]
fn a_token_is_good_at_the_stages_at_which_its_key_is_trusted_and_that_which_signs_stands_first() {
    each(KINDS.iter(), |kind| {
        let stages = kind.stages(&["sa"]);
        let mut python = Command::new(venv("python"));
        python.args(["-c", JUDGE]).arg(WHEN.to_string());
        python.args(stages.each_ref().map(|place| place.join("k/pki")));
        let said = run(&mut python).expect(0);
        let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let [former, new] = [&told["kids"][0], &told["kids"][1]];
        let algorithms = match (kind.base, kind.trust) {
            (Base::Ours, _) => ["ES256", "ES256"],
            (_, []) => ["RS256", "RS256"],
            _ => ["RS256", "ES256"],
        };
        assert_eq!(told["algorithms"], json!(algorithms), "{kind:?}");
        let orders = [
            json!([former]),
            json!([former, new]),
            json!([new, former]),
            json!([new]),
        ];
        for (index, place) in stages.iter().enumerate() {
            let stage = &told["stages"][index];
            let name = STAGES[index].0;
            assert_eq!(stage["keys"], orders[index], "{kind:?} {name}");
            assert_eq!(stage["signs"], orders[index][0], "{kind:?} {name}");
            assert_eq!(stage["verified"], verified()[index], "{kind:?} {name}");
            // The program tells the same identifiers.
            let status = rotate(place, &["status", "--output", "json"]).expect(0);
            let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
            let mut rotations = status["rotations"].as_array().expect("a list").iter();
            let own = rotations
                .find(|one| one["what"] == "sa")
                .expect("its stage");
            let then = if name == "drop" { "start" } else { name };
            assert_eq!(own["stage"], then, "{kind:?}");
            assert_eq!(own["present"]["name"], orders[index][0], "{kind:?} {name}");
            let waiting = if name == "trust" { new } else { &Value::Null };
            assert_eq!(&own["waiting"]["name"], waiting, "{kind:?} {name}");
            let beside = if name == "issue" {
                former
            } else {
                &Value::Null
            };
            assert_eq!(&own["former"][0]["name"], beside, "{kind:?} {name}");
        }
        Ok(())
    });
}
