//! Builds and looks after the PKI of a Kubernetes cluster.

pub mod key;
pub mod location;
pub mod store;
