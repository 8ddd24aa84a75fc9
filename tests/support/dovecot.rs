//! A real Dovecot on loopback with a Maildir of its own, for one user, over TLS and STARTTLS.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

pub const USER: &str = "anna@example.org";
pub const PASSWORD: &str = "seal and anchor";

/// A running server; stopped when dropped.
pub struct Dovecot {
    folder: tempfile::TempDir,
    pub tls_port: u16,
    pub starttls_port: u16,
}

impl Dovecot {
    /// Starts a server whose maildrop holds these messages.
    pub fn start(messages: impl IntoIterator<Item = Vec<u8>>) -> Dovecot {
        let folder = tempfile::Builder::new().prefix("postkeep-dovecot").tempdir().expect("a temporary folder");
        let (tls_port, starttls_port) = (free_port(), free_port());
        let server = Dovecot { folder, tls_port, starttls_port };
        write_certificates(server.folder.path());
        server.write_mail(messages);
        fs::write(server.path("passwd"), format!("{USER}:{{PLAIN}}{PASSWORD}\n")).expect("a password file");
        fs::write(server.path("dovecot.conf"), server.configuration()).expect("a configuration");
        if is_root() {
            run(Command::new("chmod").arg("755").arg(server.folder.path()));
            run(Command::new("chown").arg("-R").arg("dovecot:dovecot").arg(server.maildir()));
        }
        // No pipes: the daemon would hold them open for as long as it runs.
        let started = Command::new("dovecot")
            .arg("-c")
            .arg(server.path("dovecot.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("dovecot");
        assert!(started.success(), "Dovecot did not start: {started}");
        server.wait();
        server
    }

    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// The messages on the server now, as its files hold them.
    pub fn messages(&self) -> Vec<Vec<u8>> {
        ["cur", "new"]
            .iter()
            .flat_map(|part| fs::read_dir(self.maildir().join(part)).expect("a Maildir"))
            .map(|entry| fs::read(entry.expect("an entry").path()).expect("a message"))
            .collect()
    }

    /// How many messages are on the server now.
    pub fn count(&self) -> usize {
        let files = |part: &&str| fs::read_dir(self.maildir().join(part)).expect("a Maildir").count();
        ["cur", "new"].iter().map(files).sum()
    }

    /// Keeps the maildrop as it is now, with what the server knows of it, for [`Dovecot::recall`].
    pub fn remember(&self) {
        run(Command::new("cp").arg("-a").arg(self.maildir()).arg(self.path("remembered")));
    }

    /// Brings the maildrop back to what [`Dovecot::remember`] kept. Nobody may be logged in.
    pub fn recall(&self) {
        fs::remove_dir_all(self.maildir()).expect("the maildrop removed");
        run(Command::new("cp").arg("-a").arg(self.path("remembered")).arg(self.maildir()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn maildir(&self) -> PathBuf {
        self.path("mail")
    }

    fn write_mail(&self, messages: impl IntoIterator<Item = Vec<u8>>) {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.maildir().join(part)).expect("a Maildir");
        }
        for (index, message) in messages.into_iter().enumerate() {
            let name = format!("{}.{index}.test:2,", 1_700_000_000 + index);
            fs::write(self.maildir().join("cur").join(name), message).expect("a message written");
        }
    }

    fn configuration(&self) -> String {
        let folder = self.folder.path().display();
        // Root serves as Dovecot's own users, anybody else as themselves.
        let me = String::from_utf8(output(Command::new("id").arg("-un"))).expect("UTF-8");
        let (user, login) = if is_root() { ("dovecot", "dovenull") } else { (me.trim(), me.trim()) };
        let (tls, starttls) = (self.tls_port, self.starttls_port);
        format!(
            "base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = {folder}/dovecot.log\nlisten = 127.0.0.1\n\
             protocols = pop3\nssl = required\nssl_cert = <{folder}/server.pem\nssl_key = <{folder}/server.key\n\
             ssl_min_protocol = TLSv1.2\nauth_mechanisms = plain\nauth_failure_delay = 0\n\
             mail_location = maildir:{folder}/mail\nmail_uid = {user}\nmail_gid = {user}\nfirst_valid_uid = 1\n\
             first_valid_gid = 1\npop3_uidl_format = %08Xu%08Xv\ndefault_internal_user = {user}\n\
             default_login_user = {login}\nservice anvil {{\n  chroot =\n}}\nservice stats {{\n  chroot =\n}}\n\
             service pop3-login {{\n  chroot =\n  inet_listener pop3 {{\n    port = {starttls}\n  }}\n  \
             inet_listener pop3s {{\n    port = {tls}\n    ssl = yes\n  }}\n}}\n\
             passdb {{\n  driver = passwd-file\n  args = {folder}/passwd\n}}\n\
             userdb {{\n  driver = static\n  args = uid={user} gid={user} home={folder}\n}}\n"
        )
    }

    fn wait(&self) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.tls_port)).is_ok() {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        panic!("Dovecot did not start: {}", fs::read_to_string(self.path("dovecot.log")).unwrap_or_default());
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        let stopped = Command::new("dovecot").arg("-c").arg(self.path("dovecot.conf")).arg("stop").status();
        if let Err(error) = stopped {
            println!("Dovecot could not be stopped: {error}");
        }
    }
}

/// What a client gets of a file on the server: POP3 has CRLF line ends, also at the end.
pub fn with_crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    let mut last = 0;
    for &octet in message {
        if octet == b'\n' && last != b'\r' {
            out.push(b'\r');
        }
        out.push(octet);
        last = octet;
    }
    if !out.ends_with(b"\n") {
        out.extend(b"\r\n");
    }
    out
}

/// An authority in `ca.pem`, and in `server.pem` and `server.key` a certificate for localhost by it.
pub fn write_certificates(folder: &Path) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Postkeep test authority");
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let authority_certificate = authority.self_signed(&authority_key).expect("an authority");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let leaf_key = rcgen::KeyPair::generate().expect("a key");
    let leaf = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&leaf_key, &issuer).expect("a certificate");
    fs::write(folder.join("ca.pem"), authority_certificate.pem()).expect("a file");
    fs::write(folder.join("server.pem"), leaf.pem()).expect("a file");
    fs::write(folder.join("server.key"), leaf_key.serialize_pem()).expect("a file");
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).starts_with(b"0\n")
}

fn output(command: &mut Command) -> Vec<u8> {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}")).stdout
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
