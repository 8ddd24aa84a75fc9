//! Courier, over STARTTLS by GnuTLS. Its unique-ids are numbers given by the folder (`UID17-1700000000`); it says
//! PIPELINING and LOGIN-DELAY; its answer to LIST is a sermon; every LF of a file becomes CRLF, also behind a CR.

use std::fs;

use super::view::View;
use super::{PASSWORD, Server, in_maildir, write_maildir};
use crate::support::dovecot::{free_port, write_certificates};

const USER: &str = "anna@example.org";

pub fn start(messages: impl IntoIterator<Item = Vec<u8>>) -> Server {
    let folder = View::folder_for("courier");
    let port = free_port();
    write_maildir(&folder.path().join("Maildir"), messages);
    write_certificates(folder.path());
    let pem = ["server.key", "server.pem"].map(|name| fs::read(folder.path().join(name)).expect("a file")).concat();
    fs::write(folder.path().join("both.pem"), pem).expect("a file");
    let home = folder.path().display().to_string();
    let script = format!(
        r#"echo courier:x:64992:64992::/nonexistent:/usr/sbin/nologin >>/etc/passwd
echo courier:x:64992: >>/etc/group
mkdir -p /run/courier/authdaemon
printf 'authmodulelist="authuserdb"\nauthmodulelistorig="authuserdb"\ndaemons=1\nauthdaemonvar=/run/courier/authdaemon\n' \
    >/etc/courier/authdaemonrc
printf '{USER}\tuid=65534|gid=65534|home={home}|mail={home}/Maildir|systempw=%s\n' "$(openssl passwd -5 '{PASSWORD}')" \
    >/etc/courier/userdb
chmod 600 /etc/courier/userdb
makeuserdb
chown -R 65534:65534 Maildir
/usr/lib/courier/courier-authlib/authdaemond &
until [ -S /run/courier/authdaemon/socket ]; do sleep 0.05; done
export POP3AUTH= POP3AUTH_TLS= MAILDIRPATH=Maildir
export POP3_STARTTLS=YES COURIERTLS=/usr/bin/couriertls TLS_CERTFILE="$PWD/both.pem" TLS_VERIFYPEER=NONE
couriertcpd -address=127.0.0.1 -nodnslookup -noidentlookup {port} \
    /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir &
"#
    );
    let ca_file = folder.path().join("ca.pem");
    let view = View::start(folder, &script);
    let left = Box::new(|folder: &std::path::Path| in_maildir(&folder.join("Maildir")));
    Server { name: "Courier", user: USER, port, security: "starttls", ca_file, plain_port: port, left, view }.ready()
}
