//! Whom a kubeconfig is to trust: the CA of the server that it leads to, in whichever of its certificates.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::server::{good_for, lead};
use super::{Judge, file, issuer, signed_by};
use crate::bundle::{Exchange, anchors, is_good, is_root, renews, verifies};
use crate::finding::{Code, Finding};
use crate::observed::{Destination, Kubeconfig, Observed, Source, Trusted};
use crate::profile::found::looked_for;
use crate::profile::{API_SERVER, CLUSTER, Signer, by_name};
use crate::spec::Spec;
use crate::x509::cert::{Certificate, trusts_any};
use crate::x509::usage::ExtendedKeyUsage;
use crate::x509::validity::moment;

type Found = BTreeMap<String, Observed>;

/// The way out where a kubeconfig holds other CA certificates than it is to.
const REFRESH: &str = "'certs kubeconfig refresh FILE' puts the present ones there";

/// The way out where its CA was renewed, and the file of that is the one that is behind.
pub(crate) const FOLLOW: &str =
    "put that one into the file of its CA, as where it was renewed: it is the newer one";

/// The same where they are of this CA, which may be none of the table's.
pub(super) fn refresh(ca: Option<&str>, observed: &Observed) -> &'static str {
    let embedded = match observed {
        Observed::Kubeconfig(found) => found.embeds_authorities(),
        Observed::Lead(lead) => lead.to.as_ref().is_ok_and(Destination::embeds_authorities),
        _ => true,
    };
    match ca {
        _ if !embedded => {
            "put the present certificates of its CA into the file that it names for them"
        }
        Some(ca) if by_name(ca).is_none() => "put the present certificates of its CA there",
        _ => REFRESH,
    }
}

/// The CA whose file the CA certificates of a kubeconfig are held against: the one that signed the certificate of the
/// server that it leads to, where that lies in the tree, for servers and clients may have different CAs. Else that of
/// the client. None where it trusts the CA of that server, and no file of that CA is there.
pub(crate) fn trusts<'a>(spec: &'a Spec, observed: &Observed, found: &'a Found) -> Option<&'a str> {
    // What is of no CA here is held against none, and an entry beside the current one against that of its cluster.
    let own = Some(issuer(spec)?);
    let Signer::Ca(cluster) = CLUSTER else {
        return own;
    };
    if spec.place.entry().is_some() {
        return own;
    }
    let there = matches!(found.get(API_SERVER), Some(Observed::Certificate { .. }));
    // A good tree of the table's is not searched.
    if there && own == Some(cluster) {
        return own;
    }
    let (held, server, server_name) = match observed {
        Observed::Kubeconfig(found) => (&found.authorities, &found.server, &found.server_name),
        Observed::Lead(lead) => match &lead.to {
            Ok(to) => (&to.authorities, &to.server, &to.server_name),
            Err(_) => return own,
        },
        _ => return own,
    };
    let Some((_, host)) = lead(server, server_name.as_ref()) else {
        return own;
    };
    let serving = found.iter().filter_map(|(name, observed)| match observed {
        Observed::Certificate { chain, .. } if name == API_SERVER || by_name(name).is_none() => {
            let (leaf, behind) = chain.split_first()?;
            let for_servers = leaf
                .extended_key_usage
                .contains(&ExtendedKeyUsage::ServerAuth);
            let good = leaf.sans.iter().any(|san| good_for(san, host));
            (for_servers && good && !leaf.is_ca()).then_some((name == API_SERVER, leaf, behind))
        }
        _ => None,
    });
    let (of_api_server, others): (Vec<_>, Vec<_>) =
        serving.partition(|(row, leaf, _)| *row || is_api_server(leaf));
    let holds = |ca: &&str| trusts_any(held, file(Some(ca), found));
    // Of several the one that it trusts: which of them answers is not known.
    for (serving, decides) in [(of_api_server, true), (others, false)] {
        if !decides && own.as_ref().is_some_and(holds) {
            return own;
        }
        let signers = serving.iter().map(|(_, leaf, _)| signer(leaf, found));
        let signers: Vec<&str> = signers.flatten().collect();
        if let Some(ca) = signers.iter().copied().find(holds) {
            return Some(ca);
        }
        if serving
            .iter()
            .any(|(_, leaf, behind)| signed_by(leaf, behind, held))
        {
            return None;
        }
        if let (true, Some(ca)) = (decides, signers.first()) {
            return Some(ca);
        }
    }
    own
}

/// What a kubeconfig that trusts this CA has for that, and where.
pub(crate) fn trusted<'a>(
    spec: &Spec,
    observed: &'a Observed,
    found: &Found,
    ca: &str,
) -> Option<(&'a [Certificate], &'a Source)> {
    let (held, source) = match observed {
        Observed::Kubeconfig(found) => (&found.authorities, &found.sources[0]),
        Observed::Lead(lead) => {
            let to = lead.to.as_ref().ok()?;
            // Whose user shows no certificate of this CA may be another service's, and so may another entry.
            let ours =
                |held: &Certificate| file(Some(ca), found).iter().any(|ca| held.is_same_ca(ca));
            if !to.authorities.iter().any(ours) {
                return None;
            }
            (&to.authorities, to.source.as_ref()?)
        }
        _ => return None,
    };
    // That of another entry is its own matter, whoever answers where the current context leads.
    let trusts = spec.place.entry().is_some() || trusts(spec, observed, found) == Some(ca);
    trusts.then_some((held, source))
}

/// Kubeconfigs that trust a CA of the file, and not the one that signs for the API server, as of two of which one waits: they
/// follow that by nothing that it sends.
pub(super) fn unfollowed(specs: &[Spec], found: &Found) -> Vec<Finding> {
    let Some(Observed::Certificate { chain, .. }) = found.get(API_SERVER) else {
        return Vec::new();
    };
    let Some(((leaf, behind), ca)) = chain
        .split_first()
        .and_then(|sent| Some((sent, signer(sent.0, found)?)))
    else {
        return Vec::new();
    };
    let file = file(Some(ca), found);
    let mut roots = file.iter().filter(|_| file.len() > 1);
    let Some(signs) = roots.find(|ca| is_root(ca) && verifies(leaf, ca)) else {
        return Vec::new();
    };
    let told = specs.iter().filter_map(|spec| {
        let observed = found.get(&spec.name)?;
        let (held, _) = trusted(spec, observed, found, ca)?;
        // That none of them is trusted is told where each is held against its own CA.
        if !trusts_any(held, file) || signed_by(leaf, behind, held) {
            return None;
        }
        let text = format!(
            "does not trust \"{}\", which signed the API server's certificate",
            signs.subject
        );
        Some(spec.finding(Code::WrongCa, text, refresh(Some(ca), observed)))
    });
    told.collect()
}

/// The certificates in that file.
pub(crate) fn anchored<'a>(
    spec: &'a Spec,
    observed: &Observed,
    found: &'a Found,
) -> &'a [Certificate] {
    file(trusts(spec, observed, found), found)
}

/// Whether it says itself that it is an API server's, by the name or the names that no other has.
fn is_api_server(leaf: &Certificate) -> bool {
    let row = by_name(API_SERVER).map(looked_for);
    let wanted = row.as_ref().and_then(Spec::certificate);
    wanted.is_some_and(|wanted| {
        leaf.subject.common_name() == wanted.subject.common_name()
            || leaf.sans.iter().any(|san| wanted.sans.contains(san))
    })
}

/// The CA in the tree that signed it.
fn signer<'a>(leaf: &Certificate, found: &'a Found) -> Option<&'a str> {
    let (name, _) = found.iter().find(|(_, observed)| match observed {
        Observed::Certificate { chain, .. } => {
            chain.first().is_some_and(Certificate::is_ca)
                && chain.iter().any(|ca| verifies(leaf, ca))
        }
        _ => false,
    })?;
    Some(name)
}

/// It, once each of its entries of this server that holds its CA certificates itself has had them exchanged.
pub(crate) fn brought_along(mut found: Kubeconfig, exchange: Exchange<'_>) -> Kubeconfig {
    if let Some(now) = exchange
        .of(&found.authorities)
        .filter(|_| found.embeds_authorities())
    {
        found.authorities = now;
    }
    for (_, trusted) in &mut found.beside {
        if let Trusted::These {
            held,
            embedded: true,
        } = trusted
            && let Some(now) = exchange.of(held)
        {
            *held = now;
        }
    }
    found
}

impl Judge<'_> {
    /// Another entry for the same server, which another context may name, or for another one with the same user.
    pub(super) fn trust_beside(&mut self, beside: &[(String, Trusted)]) {
        for (cluster, trusted) in beside {
            let extra = match trusted {
                Trusted::AnybodyElsewhere(context) => {
                    self.shown_to_anybody(cluster, context);
                    continue;
                }
                _ if self.anchors.is_empty() => continue,
                Trusted::Anybody => "whoever answers: it is not verified",
                Trusted::Machine => "the CAs of the machine: it has no CA certificates",
                Trusted::These { held, .. } if !held.iter().all(|ca| self.stands(ca)) => {
                    "a CA that the CA file does not hold"
                }
                Trusted::These { held, .. } => {
                    if let Some(former) = former(held, self.anchors, self.now) {
                        self.trust_former(former, &format!(", in its cluster \"{cluster}\""));
                    }
                    continue;
                }
            };
            let text =
                format!("trusts, in its cluster \"{cluster}\", which has the same server, {extra}");
            let way_out = "take that entry out, or give it this cluster's CA certificates";
            self.tell(Code::TrustExtra, &text, way_out);
        }
    }

    /// Whoever answers there is shown the certificate, and who gets it in between is let in as that user.
    pub(super) fn shown_to_anybody(&mut self, cluster: &str, context: &str) {
        let text = format!(
            "trusts, in its cluster \"{cluster}\", to which its context \"{context}\" leads the same user, whoever \
             answers: it is not verified"
        );
        let way_out = "take that entry out, or give it the CA certificates of its server";
        self.tell(Code::TrustExtra, &text, way_out);
    }

    pub(super) fn trust(&mut self, held: &[Certificate]) {
        if held.is_empty() {
            let text = "has no CA certificates, and so trusts those of the machine alone";
            self.tell_of_trust(Code::WrongCa, text);
            return;
        }
        if self.anchors.is_empty() {
            return;
        }
        if !trusts_any(held, self.anchors) {
            self.tell_of_trust(Code::WrongCa, "does not trust the CA");
            return;
        }
        // Intermediates may leave it, since the server sends them.
        let lacking = |ca: &Certificate| !held.iter().any(|held| held.stands_for(ca));
        if anchors(self.anchors, self.anchors).iter().any(lacking) {
            self.tell(Code::TrustMissing, "lacks a CA that the CA file holds", "");
        }
        if !held.iter().all(|ca| self.stands(ca)) {
            let text = "trusts a CA that the CA file does not hold";
            self.tell_of_trust(Code::TrustExtra, text);
        }
        if let Some(former) = former(held, self.anchors, self.now) {
            self.trust_former(former, "");
        }
    }

    /// What is made of a row is made whole; of one's own no more than these need be put there.
    fn tell_of_trust(&mut self, code: Code, text: &str) {
        let own = by_name(&self.spec.name).is_none() && self.spec.place.entry().is_none();
        let way_out = if own { self.refresh } else { "" };
        self.tell(code, text, way_out);
    }

    fn stands(&self, held: &Certificate) -> bool {
        self.anchors.iter().any(|ca| held.stands_for(ca))
    }

    fn trust_former(&mut self, (former, ca): (&Certificate, &Certificate), place: &str) {
        let (validity, another) = (
            &former.validity,
            "trusts the CA by another certificate of it",
        );
        if validity.has_ended(self.now) && place.is_empty() {
            let end = moment(validity.not_after);
            let text = format!("{another}, which ended on {end}");
            self.tell(Code::Expired, &text, self.refresh);
        } else if validity.is_to_begin(self.now) && place.is_empty() {
            let (begin, now) = (moment(validity.not_before), moment(self.now));
            let text = format!("{another}, which begins on {begin}, and the clock says {now}");
            self.tell(Code::NotYetValid, &text, self.refresh);
        } else {
            let way_out = brought(former, (ca, self.anchors), self.refresh, self.now);
            self.tell(Code::TrustFormer, &by_another(place), way_out);
        }
    }
}

/// What brings both to the same certificate of a CA: who trusts it follows its file, unless that is behind.
pub(super) fn brought(
    held: &Certificate,
    (ca, file): (&Certificate, &[Certificate]),
    refresh: &'static str,
    now: OffsetDateTime,
) -> &'static str {
    if renews(held, ca, file, now) {
        FOLLOW
    } else {
        refresh
    }
}

/// That of a kubeconfig which a run does not write: also where its CA is renewed just now.
pub(crate) fn by_former(
    spec: &Spec,
    observed: &Observed,
    held: &[Certificate],
    found: &Found,
) -> Option<Finding> {
    let ca = trusts(spec, observed, found);
    trusts_any(held, file(ca, found))
        .then(|| spec.finding(Code::TrustFormer, by_another(""), refresh(ca, observed)))
}

fn by_another(place: &str) -> String {
    format!("trusts the CA{place} by another certificate of it than the CA file holds")
}

/// By which certificate a CA is trusted that is in no file of it, or is over there, and the file's own: of several one that
/// is good now, and of several CAs the one that is trusted for the shortest time.
pub(crate) fn former<'a>(
    held: &'a [Certificate],
    file: &'a [Certificate],
    now: OffsetDateTime,
) -> Option<(&'a Certificate, &'a Certificate)> {
    let wanted = anchors(file, file);
    let lacking = file.iter().filter(|ca| {
        let present = |held: &Certificate| file.contains(held) && !held.validity.has_ended(now);
        wanted.contains(ca) && !held.iter().any(|one| one.stands_for(ca) && present(one))
    });
    let trusted = lacking.filter_map(|ca| {
        let stand = held.iter().filter(|held| held.stands_for(ca));
        let last = stand.max_by_key(|held| (is_good(held, now), held.validity.not_after))?;
        (last != ca).then_some((last, ca))
    });
    trusted.min_by_key(|(held, _)| (is_good(held, now), held.validity.not_after))
}
