//! Builds and looks after the PKI of a Kubernetes cluster.

pub mod apply;
pub mod archive;
pub mod bundle;
pub mod cli;
pub mod cmd;
pub mod config;
pub mod der;
pub mod diff;
pub mod facts;
pub mod finding;
pub mod issue;
pub mod key;
pub mod kubeconfig;
pub mod location;
pub mod manifest;
pub mod observe;
pub mod observed;
pub mod outcome;
pub mod pem;
pub mod pkcs12;
pub mod plan;
pub mod profile;
pub mod report;
pub mod requests;
pub mod rollback;
pub mod show;
pub mod spec;
pub mod store;
pub mod x509;
pub mod yaml;

#[cfg(test)]
mod oracle;
