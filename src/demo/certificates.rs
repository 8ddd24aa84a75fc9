//! The certificates of the demo server: an authority and one leaf for localhost and 127.0.0.1, made anew at each start,
//! and the broken leaves that a client has to refuse (RFC 8314, RFC 5280). No key ever reaches a disk.

use std::io;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What is wrong with the certificate that the server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCertificate {
    /// Valid until yesterday.
    Expired,
    /// Valid from tomorrow.
    NotYetValid,
    /// Made for another host, by the trusted authority.
    WrongHost,
    /// For the right host, signed by its own key alone.
    SelfSigned,
    /// For the right host, by an authority that is not in the CA file.
    UnknownAuthority,
    /// For clients only (extended key usage).
    ClientsOnly,
    /// That of an authority (CA:TRUE).
    OfAnAuthority,
    /// With the host in the subject's common name and nowhere else.
    CommonNameOnly,
    /// For the right host, by an intermediate authority that may sign for names under example.org only.
    OutOfBounds,
}

/// The authority of one server.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> io::Result<Authority> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid(&mut params, -60, 60);
        let pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// The authority's own certificate, for the client's CA file.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// What a connection is accepted with: a good leaf, or one with the fault asked for.
    pub(super) fn acceptor(&self, fault: Option<BadCertificate>) -> io::Result<TlsAcceptor> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = leaf(fault)?;
        let certificate = match fault {
            Some(BadCertificate::SelfSigned) => params.self_signed(&key),
            Some(BadCertificate::UnknownAuthority) => {
                params.signed_by(&key, &Authority::new("An authority nobody knows")?.issuer)
            }
            Some(BadCertificate::OutOfBounds) => return self.out_of_bounds(&params, &key),
            _ => params.signed_by(&key, &self.issuer),
        };
        accepting(vec![certificate.map_err(io::Error::other)?.into()], &key)
    }

    fn out_of_bounds(&self, leaf: &CertificateParams, key: &KeyPair) -> io::Result<TlsAcceptor> {
        let between_key = KeyPair::generate().map_err(io::Error::other)?;
        let mut between = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        between.distinguished_name.push(DnType::CommonName, "An authority within bounds");
        between.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        between.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        between.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.org".to_owned())],
            excluded_subtrees: Vec::new(),
        });
        valid(&mut between, -2, 30);
        let signed = between.signed_by(&between_key, &self.issuer).map_err(io::Error::other)?;
        let certificate = leaf.signed_by(key, &Issuer::new(between, between_key)).map_err(io::Error::other)?;
        accepting(vec![certificate.into(), signed.into()], key)
    }
}

/// What shows this chain.
fn accepting(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> io::Result<TlsAcceptor> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn leaf(fault: Option<BadCertificate>) -> io::Result<CertificateParams> {
    let names: &[&str] = match fault {
        Some(BadCertificate::WrongHost) => &["pop.elsewhere.example"],
        Some(BadCertificate::CommonNameOnly) => &[],
        _ => &["localhost", "127.0.0.1"],
    };
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    let common_name = if fault == Some(BadCertificate::CommonNameOnly) { "localhost" } else { "Postkeep demo server" };
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    match fault {
        Some(BadCertificate::ClientsOnly) => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        Some(BadCertificate::OfAnAuthority) => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        _ => {}
    }
    match fault {
        Some(BadCertificate::Expired) => valid(&mut params, -30, -1),
        Some(BadCertificate::NotYetValid) => valid(&mut params, 2, 30),
        _ => valid(&mut params, -2, 30),
    }
    Ok(params)
}

/// Sets the validity in days from today's midnight (UTC), wide enough that a midnight between making and checking
/// changes nothing.
fn valid(params: &mut CertificateParams, from: i64, until: i64) {
    let midnight = |days: i64| {
        let then = Timestamp::now() + SignedDuration::from_hours(24 * days);
        let date = then.to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(from);
    params.not_after = midnight(until);
}
