//! Builds and looks after the certificates of a Kubernetes cluster.

pub mod config;
pub mod der;
pub mod facts;
pub mod key;
pub mod x509;
pub mod yaml;
