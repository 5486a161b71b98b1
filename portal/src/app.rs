use std::{net::IpAddr, sync::Arc};

use otpost_conf::{PortalConfig, TlsMode};

use crate::{Backend, web::Shed};

/// Which of the two sites a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The pages for everybody.
    SelfService,
    /// The pages for administrators.
    Console,
}

impl Surface {
    /// As the log names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SelfService => "self-service",
            Self::Console => "console",
        }
    }
}

/// What all handlers share: the state of both routers.
#[derive(Debug)]
pub struct App {
    /// The daemon.
    pub backend: Backend,
    /// What people type to reach the self-service pages, where that is configured.
    pub self_service_url: Option<String>,
    /// What administrators type to reach the console, where that is configured.
    pub console_url: Option<String>,
    /// SHA-256 of the certificate in force, for people to compare, where TLS is on.
    pub fingerprint: Option<String>,
}

/// How one listener treats its requests.
#[derive(Debug)]
pub struct Site {
    /// Which pages are served.
    pub surface: Surface,
    /// Whether the listener itself speaks TLS.
    pub tls: bool,
    /// Whether the listener's own address is loopback, where plain HTTP crosses no network.
    pub loopback: bool,
    /// Proxies whose word on a client's address and scheme is taken.
    pub proxies: Arc<[IpAddr]>,
    /// Who asks too often. Shared by the listeners of both sites.
    pub(crate) shed: Arc<Shed>,
    /// Whether the pseudo-language is offered.
    pub test_locale: bool,
}

impl Site {
    /// The site of one listener on `address`.
    #[must_use]
    pub(crate) fn new(config: &PortalConfig, surface: Surface, address: IpAddr, shed: Arc<Shed>) -> Self {
        Self {
            surface,
            tls: config.tls.mode != TlsMode::Off,
            loopback: address.to_canonical().is_loopback(),
            proxies: config.behind_proxy.clone().into(),
            shed,
            test_locale: config.test_locale,
        }
    }
}
