//! Builds and looks after the PKI of a Kubernetes cluster.

pub mod der;
pub mod key;
pub mod pem;
pub mod x509;
