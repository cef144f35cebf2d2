//! Distinguished names (RFC 5280, 4.1.2.4), kept as they are encoded.
//!
//! A name travels as its raw DER: an issuer must be its CA's subject octet by octet, whatever string types, repeated
//! attributes or multi-valued RDNs that has.

mod attribute;
mod text;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::der;

#[cfg(test)]
mod tests;

use attribute::{Attribute, Meaning};
pub use text::is_hidden;

const COMMON_NAME: &str = "2.5.4.3";
const ORGANIZATION: &str = "2.5.4.10";

/// A distinguished name. Equality, order and hash are those of the DER.
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
    /// Shared: what many nodes have in common is cloned for each.
    rdns: Arc<Vec<Vec<Attribute>>>,
}

impl Name {
    /// Reads an RDNSequence. Values may have any string type, also one that cannot be shown as text.
    pub fn from_der(der: &[u8]) -> anyhow::Result<Self> {
        Ok(Self {
            rdns: Arc::new(rdns(der).context("read name")?),
            der: der.to_vec(),
        })
    }

    /// A subject as kubeadm makes it: the organizations as one multi-valued RDN, then the common name. PrintableString where
    /// the text allows it, else UTF8String.
    pub fn new(organizations: &[&str], common_name: &str) -> Self {
        let organizations = organizations
            .iter()
            .map(|text| Attribute::from_text(ORGANIZATION, text))
            .collect();
        let common_name = vec![Attribute::from_text(COMMON_NAME, common_name)];
        Self::from_rdns(vec![organizations, common_name])
    }

    /// Reads what a person typed: `/C=CN/O=x+OU=y/CN=z` or `C=CN,O=x,CN=z`, RDNs in the order in which they are encoded, with
    /// the escapes of RFC 4514 (`\,`, `\+`, `\2C`), and `\/`. Blanks around a value are dropped unless escaped.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        text::parse(text)
            .map(Self::from_rdns)
            .with_context(|| format!("read subject {text:?}"))
    }

    /// The RDNSequence, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The last common name, which is the one that Go and with it Kubernetes takes for the user.
    pub fn common_name(&self) -> Option<String> {
        self.values(COMMON_NAME).pop()
    }

    /// The same with another common name, in the place of the last one.
    #[must_use]
    pub fn with_common_name(&self, common_name: &str) -> Self {
        let mut rdns = self.rdns.as_ref().clone();
        let named = |attribute: &&mut Attribute| attribute.kind == COMMON_NAME;
        let new = Attribute::from_text(COMMON_NAME, common_name);
        match rdns.iter_mut().flatten().filter(named).last() {
            Some(last) => *last = new,
            None => rdns.push(vec![new]),
        }
        Self::from_rdns(rdns)
    }

    /// The organizations, which are Kubernetes' groups, in the order of their encoding.
    pub fn organizations(&self) -> Vec<String> {
        self.values(ORGANIZATION)
    }

    /// The first value of an attribute, by its object identifier.
    pub fn first(&self, kind: &str) -> Option<String> {
        self.values(kind).into_iter().next()
    }

    /// Whether it has no RDN at all.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Whether both have the same types and values RDN by RDN, whatever the string types; the order inside a multi-valued RDN
    /// does not count.
    pub fn same_values(&self, other: &Self) -> bool {
        self.said(Attribute::meaning) == other.said(Attribute::meaning)
    }

    /// Whether both have the same attributes, however they are arranged: of one who is a user Kubernetes takes the common name
    /// and the organizations, wherever they stand.
    pub fn same_attributes(&self, other: &Self) -> bool {
        let attributes = |name| {
            let mut all = Self::said(name, Attribute::meaning).concat();
            all.sort();
            all
        };
        attributes(self) == attributes(other)
    }

    /// Whether who verifies may take the one for the other: as `same_values`, whatever the case and the blanks (RFC 5280
    /// section 7.1), which OpenSSL passes over and Go does not.
    pub fn is_taken_for(&self, other: &Self) -> bool {
        self.der() == other.der() || self.said(Attribute::folded) == other.said(Attribute::folded)
    }

    fn from_rdns(rdns: Vec<Vec<Attribute>>) -> Self {
        let mut rdns = rdns;
        rdns.retain(|rdn| !rdn.is_empty());
        for rdn in &mut rdns {
            // The order of a SET OF (X.690, 11.6).
            rdn.sort_by_key(Attribute::encode);
        }
        let sets: Vec<Vec<u8>> = rdns
            .iter()
            .map(|rdn| der::set_of(rdn.iter().map(Attribute::encode).collect()))
            .collect();
        Self {
            der: der::tlv(der::SEQUENCE, &sets.concat()),
            rdns: Arc::new(rdns),
        }
    }

    fn values(&self, kind: &str) -> Vec<String> {
        self.rdns
            .iter()
            .flatten()
            .filter(|attribute| attribute.kind == kind)
            .filter_map(Attribute::text)
            .collect()
    }

    fn said<'a>(&'a self, by: impl Fn(&'a Attribute) -> Meaning<'a>) -> Vec<Vec<Meaning<'a>>> {
        let mut rdns: Vec<Vec<_>> = self
            .rdns
            .iter()
            .map(|rdn| rdn.iter().map(&by).collect())
            .collect();
        for rdn in &mut rdns {
            rdn.sort();
        }
        rdns
    }
}

fn rdns(der: &[u8]) -> anyhow::Result<Vec<Vec<Attribute>>> {
    let mut rdns = Vec::new();
    for set in der::sequence_members(der)? {
        let members = der::children(set.tagged(der::SET)?)?;
        if members.is_empty() {
            bail!("an RDN is empty");
        }
        let attributes: anyhow::Result<Vec<Attribute>> =
            members.iter().map(Attribute::from_der).collect();
        rdns.push(attributes?);
    }
    Ok(rdns)
}

/// RFC 4514: the last RDN first, `CN=kubernetes-admin,O=kubeadm:cluster-admins`.
impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns.iter().rev().enumerate() {
            if index > 0 {
                out.write_str(",")?;
            }
            for (index, attribute) in rdn.iter().enumerate() {
                if index > 0 {
                    out.write_str("+")?;
                }
                text::write(attribute, out)?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Name({self})")
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.der.cmp(&other.der)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}
