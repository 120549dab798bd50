//! What listeners share below HTTP: which host names they answer to (`hosts`), certificates that are read again when
//! they change (`tls`), whose requests a reverse proxy forwards (`proxies`), and whom an address stands for. It opens no
//! socket and knows no path; host and registry each have their own server.

mod hosts;
mod proxies;
mod sender;
mod tls;

pub use hosts::{HostProblem, Hosts};
pub use proxies::TrustedProxies;
pub use sender::sender;
pub use tls::{Certificates, TlsError, TlsFiles};
