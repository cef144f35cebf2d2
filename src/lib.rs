//! Builds and looks after the PKI of a Kubernetes cluster.

pub mod der;
pub mod key;
#[cfg(test)]
mod oracle;
pub mod pem;
pub mod x509;
