//! A kubeconfig whose user has a key and no certificate yet, as kubeadm writes it beside a request.

use zeroize::Zeroizing;

use super::{CERTIFICATE, KEY, Source, document, named, optional, source, text};

/// The entry that the current context names.
pub struct Waiting {
    /// The cluster's name.
    pub cluster: String,
    /// The user's name.
    pub user: String,
    /// The URL of the API server.
    pub server: String,
    /// The PEM text of the key.
    pub key: Zeroizing<Vec<u8>>,
}

/// The entry of such a kubeconfig; none of any other.
pub fn waiting(bytes: &[u8]) -> Option<Waiting> {
    let document = document(bytes).ok()?;
    let context = text(&document, "current-context")?;
    let context = named(&document, "contexts", context, "context")?;
    let cluster_name = text(context, "cluster")?;
    let cluster = named(&document, "clusters", cluster_name, "cluster")?;
    let user_name = text(context, "user")?;
    let user = named(&document, "users", user_name, "user")?;
    // What is there and cannot be read is no certificate that lacks.
    if !matches!(optional(user, CERTIFICATE), Ok(None)) {
        return None;
    }
    let Ok(Source::Data { bytes: key, .. }) = source(user, KEY) else {
        return None;
    };
    Some(Waiting {
        cluster: cluster_name.to_owned(),
        user: user_name.to_owned(),
        server: text(cluster, "server")?.to_owned(),
        key,
    })
}
