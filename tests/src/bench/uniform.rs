//! Sign-in at the portal: whether its time tells a name that exists from one that does not.
//!
//! All kinds of refusal are asked for by turns, each on a connection of its own, and compared with a name of nobody by Welch's t. Half
//! of the names of nobody are compared with the other half: that is what noise alone looks like.

use otpost_ipc::Secret;
use otpost_ipc::admin::{AdminOp, ResourceSettings, SelfServiceSettings, UserAdd};
use serde::{Deserialize, Serialize};

use super::otpost::Otpost;
use super::portal::{Portal, Tls};
use super::process::processors;
use super::{Bench, Outcome, Scratch, median, say, sys};
use crate::http::Http;

/// Tries of each name: one less than those after which a network is turned away unheard.
const TRIES: usize = 9;
const PASSWORD: &str = "correct horse";

/// Who is refused, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// No such user.
    Unknown,
    /// The same once more.
    UnknownAgain,
    /// A user with another password.
    WrongPassword,
    /// The right password of a user of another resource.
    NotBound,
    /// The right password of a user whom an administrator locked.
    Locked,
    /// A user without a password.
    NoPassword,
}

const KINDS: [Kind; 6] = [
    Kind::Unknown,
    Kind::WrongPassword,
    Kind::NotBound,
    Kind::UnknownAgain,
    Kind::Locked,
    Kind::NoPassword,
];

impl Kind {
    /// Names are equally long.
    fn login(self, n: usize) -> String {
        let letter = match self {
            Self::Unknown => 'a',
            Self::UnknownAgain => 'b',
            Self::WrongPassword => 'c',
            Self::NotBound => 'd',
            Self::Locked => 'e',
            Self::NoPassword => 'f',
        };
        format!("{letter}-user-{n:04}")
    }

    /// For the report.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Unknown => "nobody has the name",
            Self::UnknownAgain => "nobody has the name, once more",
            Self::WrongPassword => "wrong password",
            Self::NotBound => "right password, not bound to the resource",
            Self::Locked => "right password, locked",
            Self::NoPassword => "no password",
        }
    }
}

/// Times of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Times {
    pub(super) kind: Kind,
    pub(super) tries: usize,
    /// In milliseconds.
    pub(super) median: f64,
    pub(super) mean: f64,
    pub(super) deviation: f64,
    /// Mean less that of a name of nobody.
    pub(super) more: f64,
    /// Half of the interval in which that difference lies with 95 %.
    pub(super) give: f64,
    /// Welch's t against a name of nobody.
    pub(super) t: f64,
}

/// All kinds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Uniform {
    pub(super) date: u64,
    pub(super) rows: Vec<Times>,
}

pub(super) fn measure(bench: &Bench) -> Outcome<Uniform> {
    let all = processors()?;
    let scratch = Scratch::new();
    let dir = scratch.path().join("otpost");
    let mut otpost = Otpost::install(&dir, &bench.programs, &all)?;
    let names = bench.tries.div_ceil(TRIES).max(1);
    make_users(&otpost, names)?;
    let portal = Portal::start(&otpost, Tls::Off, &all)?;
    let times = knock(&portal.base, names)?;
    portal.program.stop()?;
    otpost.stop()?;
    let [nobody, ..] = times.as_slice() else {
        return Err("nothing was measured".into());
    };
    let mut rows = Vec::new();
    for (kind, own) in KINDS.into_iter().zip(&times) {
        let row = compared(kind, own, nobody);
        say(&format!(
            "{:<44} {:>5} tries, median {:.2} ms, {:+.3} ± {:.3} ms to nobody, t {:.2}",
            kind.shown(),
            row.tries,
            row.median,
            row.more,
            row.give,
            row.t
        ));
        rows.push(row);
    }
    Ok(Uniform {
        date: sys::date().as_secs(),
        rows,
    })
}

fn make_users(otpost: &Otpost, names: usize) -> Outcome<()> {
    say(&format!("making {} users", names * 4));
    otpost.admin(AdminOp::ResourceSet {
        name: "vpn".to_owned(),
        set: ResourceSettings {
            self_service: Some(SelfServiceSettings {
                address: Some("vpn".to_owned()),
                ..SelfServiceSettings::default()
            }),
            ..ResourceSettings::default()
        },
    })?;
    for n in 0..names {
        for kind in [
            Kind::WrongPassword,
            Kind::NotBound,
            Kind::Locked,
            Kind::NoPassword,
        ] {
            let login = kind.login(n);
            let bound = kind != Kind::NotBound;
            otpost.admin(AdminOp::UserAdd(UserAdd {
                login: login.clone(),
                password: (kind != Kind::NoPassword).then(|| Secret::from(PASSWORD)),
                email: Some(format!("{login}@example.com")),
                resources: bound.then(|| "vpn".to_owned()).into_iter().collect(),
                ..UserAdd::default()
            }))?;
            if kind == Kind::Locked {
                let why = "for the benchmark".to_owned();
                otpost.admin(AdminOp::UserLock { user: login, why })?;
            }
        }
    }
    Ok(())
}

/// Milliseconds of each kind, in the order of [`KINDS`].
fn knock(base: &str, names: usize) -> Outcome<Vec<Vec<f64>>> {
    let mut times = vec![Vec::new(); KINDS.len()];
    for round in 0..TRIES {
        for n in 0..names {
            for turn in 0..KINDS.len() {
                // Nobody is always first.
                let at = (turn + round + n) % KINDS.len();
                let (Some(kind), Some(own)) = (KINDS.get(at), times.get_mut(at)) else {
                    continue;
                };
                let login = kind.login(n);
                let password = if *kind == Kind::WrongPassword {
                    "correct house"
                } else {
                    PASSWORD
                };
                let mut http = Http::new(base);
                // Each name from a network of its own: a closed one is refused without a look at the name.
                http.further = vec![
                    (
                        "X-Forwarded-For",
                        format!("10.{}.{}.1", at + 10 * (n / 250), n % 250),
                    ),
                    ("X-Forwarded-Proto", "https".to_owned()),
                ];
                let begun = sys::now();
                let answer = http.forge("/s/vpn", &[("user", &login), ("password", password)]);
                let took = sys::now() - begun;
                if answer.status != 422 {
                    return Err(format!("{}: status {}", kind.shown(), answer.status).into());
                }
                own.push(took.as_secs_f64() * 1000.0);
            }
        }
    }
    Ok(times)
}

/// Mean and variance.
fn moments(values: &[f64]) -> (f64, f64, f64) {
    let count = values.iter().fold(0.0, |count, _| count + 1.0);
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (count, mean, squares / (count - 1.0).max(1.0))
}

fn compared(kind: Kind, own: &[f64], nobody: &[f64]) -> Times {
    let (n, mean, variance) = moments(own);
    let (m, theirs, other) = moments(nobody);
    let error = (variance / n + other / m).sqrt();
    let more = mean - theirs;
    Times {
        kind,
        tries: own.len(),
        median: median(own.iter().copied()),
        mean,
        deviation: variance.sqrt(),
        more,
        give: 1.96 * error,
        t: if error > 0.0 { more / error } else { 0.0 },
    }
}
