//! What stands for a value that nobody gave: kubeadm's defaults.

/// The port of the API server.
pub(crate) const BIND_PORT: u16 = 6443;
/// Validity of CA certificates.
pub(crate) const CA_VALIDITY: &str = "87600h";
/// The cluster's name in kubeconfigs.
pub(crate) const CLUSTER_NAME: &str = "kubernetes";
/// The domain of the cluster's services.
pub(crate) const DNS_DOMAIN: &str = "cluster.local";
/// Kind of the keys.
pub(crate) const KEY_ALGORITHM: &str = "RSA-2048";
/// The range of the services' addresses.
pub(crate) const SERVICE_CIDR: &str = "10.96.0.0/12";
/// Validity of leaf certificates.
pub(crate) const VALIDITY: &str = "8760h";
