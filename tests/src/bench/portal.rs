//! Pages of portal and console with many users: their times at a steady rate, what a first visit loads, and how long it takes to get
//! a token.

mod first;
mod people;
mod program;
mod wrk;

use std::path::Path;
use std::sync::Arc;

use otpost_ipc::admin::{AdminOp, AdminReply, UserView};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use super::otpost::Otpost;
use super::process::{Program, processors};
use super::texts::Inbox;
use super::{Bench, Outcome, Scratch, names, say, sys};
use crate::browser::Browser;
use crate::http::{Http, form};
use crate::owner::Owner;
use crate::site::{everything, trust};
use crate::stack::PASSWORD;

pub(super) use first::FirstPage;
pub(super) use people::{Browsed, Enrolment, REQUESTS};
pub(super) use program::{Portal, Tls};
pub(super) use wrk::Served;
use wrk::{Ask, Load, connections};

/// Users and searches that a page is asked for by turns.
const DIFFERENT: usize = 50;
/// Requests that are looked at one by one before a page is measured.
const TRIED: usize = 20;
/// People who sign in by turns.
const SIGNERS: usize = 20;
/// Phones of people in the browser, apart from those of the others.
const BROWSED: u16 = 5000;

/// Times of one page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) page: String,
    /// Whether the aim is about it: no password is hashed for it.
    pub(super) aim: bool,
    /// Requests a second that were asked for.
    pub(super) rate: u32,
    pub(super) served: Served,
    /// Pages that were looked at, and those that did not show what they should.
    pub(super) looked_at: usize,
    pub(super) missing: usize,
    /// Processor time for each answer in microseconds: otpost-portal's and otpostd's.
    pub(super) portal: f64,
    pub(super) daemon: f64,
}

/// All figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pages {
    pub(super) date: u64,
    pub(super) tokens: usize,
    pub(super) processors: usize,
    pub(super) seconds: u64,
    pub(super) connections: u32,
    pub(super) rows: Vec<Row>,
    pub(super) first: Vec<FirstPage>,
    pub(super) people: Vec<Enrolment>,
    /// None where there is no browser.
    pub(super) browser: Vec<Browsed>,
}

/// A page, and the requests that it is asked for with.
struct Page {
    name: &'static str,
    console: bool,
    hashes: bool,
    asks: Vec<Ask>,
}

/// Everything that runs.
struct Place<'a> {
    bench: &'a Bench,
    otpost: &'a Otpost,
    portal: &'a Portal,
    trust: Arc<ClientConfig>,
    dir: &'a Path,
}

pub(super) fn measure(bench: &Bench) -> Outcome<Pages> {
    let all = processors()?;
    let scratch = Scratch::new();
    let dir = scratch.path().join("otpost");
    let mut otpost = Otpost::install(&dir, &bench.programs, &all)?;
    say(&format!("importing {} users", bench.tokens));
    otpost.import(bench.tokens)?;
    otpost.admin(AdminOp::ResourceSet {
        name: "vpn".to_owned(),
        set: everything("vpn"),
    })?;
    let portal = Portal::start(&otpost, Tls::SelfSigned, &all)?;
    let place = Place {
        bench,
        otpost: &otpost,
        portal: &portal,
        trust: trust(&portal.certificate()),
        dir: &dir,
    };
    let first = vec![
        first::load(place.http(&portal.base), "self-service: sign-in", "/s/vpn")?,
        first::load(place.http(&portal.console), "console: sign-in", "/sign-in")?,
    ];
    for page in &first {
        say(&format!(
            "{:<44} {} requests, {} octets",
            page.name,
            page.parts.len(),
            page.bodies()
        ));
    }
    let people = place.people()?;
    let browser = place.browser()?;
    let owner = place.owner()?;
    let mut rows = Vec::new();
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    for page in place.pages(&people, &people::cookie(&owner))? {
        if page.name.contains(&only) {
            rows.push(place.row(&page)?);
        }
    }
    portal.program.stop()?;
    otpost.stop()?;
    Ok(Pages {
        date: sys::date().as_secs(),
        tokens: bench.tokens,
        processors: std::thread::available_parallelism()?.get(),
        seconds: bench.page_seconds,
        connections: connections(bench.rate),
        rows,
        first,
        people: people.iter().map(|person| person.took).collect(),
        browser,
    })
}

impl Place<'_> {
    fn http(&self, base: &str) -> Http {
        Http::new(base).trusting(Arc::clone(&self.trust))
    }

    /// Sets up a phone for each of the people, one after the other.
    fn people(&self) -> Outcome<Vec<people::Enrolled>> {
        let mut inbox = Inbox::open(&self.otpost.inbox())?;
        let mut all = Vec::new();
        for n in 0..self.bench.people {
            let login = format!("person{n:03}");
            people::make(self.otpost, &login)?;
            let who = (login.as_str(), u16::try_from(n)?);
            all.push(people::enrol(&self.portal.base, &self.trust, who, &mut inbox)?);
        }
        let took = super::median(all.iter().map(|person| person.took.all));
        say(&format!(
            "{:<44} {} people, {took:.0} ms from the link to the token",
            "over HTTP",
            all.len()
        ));
        Ok(all)
    }

    /// The same in a browser.
    fn browser(&self) -> Outcome<Vec<Browsed>> {
        let mut all = Vec::new();
        if self.bench.browsers == 0 {
            return Ok(all);
        }
        let Some(browser) = Browser::or_skip() else {
            return Ok(all);
        };
        let inbox = self.otpost.inbox();
        for n in 0..self.bench.browsers {
            let login = format!("browser{n:03}");
            people::make(self.otpost, &login)?;
            let who = (login.as_str(), BROWSED.saturating_add(u16::try_from(n)?));
            let took = people::browse(&browser, &self.portal.base, who, &inbox)?;
            say(&format!("{:<44} {took:?}", "in Chromium, ms"));
            all.push(took);
        }
        Ok(all)
    }

    /// The console's first administrator, signed in.
    fn owner(&self) -> Outcome<Http> {
        match self.otpost.admin(AdminOp::SetupLink)? {
            AdminReply::AdminLink { link, .. } => {
                let http = self.http(&self.portal.console);
                Ok(Owner::by_link(http, link.expose(), Some("owner")).http)
            }
            other => Err(format!("no link: {other:?}").into()),
        }
    }

    /// Somebody out of the store, with tokens.
    fn user(&self, login: &str) -> Outcome<UserView> {
        let user = login.to_owned();
        match self.otpost.admin(AdminOp::UserShow { user })? {
            AdminReply::User(user) => Ok(user),
            other => Err(format!("{login}: {other:?}").into()),
        }
    }

    fn pages(&self, people: &[people::Enrolled], owner: &str) -> Outcome<Vec<Page>> {
        let of = |name, asks| Page {
            name,
            console: false,
            hashes: false,
            asks,
        };
        let each = |path: &dyn Fn(&people::Enrolled) -> String| {
            let asks = people
                .iter()
                .map(|person| Ask::page(path(person), &person.cookie));
            asks.collect::<Vec<_>>()
        };
        let console = |name, paths: Vec<String>| Page {
            name,
            console: true,
            hashes: false,
            asks: paths.iter().map(|path| Ask::page(path, owner)).collect(),
        };
        // From all over the store.
        let tokens = self.bench.tokens.max(1);
        let step = tokens.div_ceil(DIFFERENT).max(1);
        let logins: Vec<String> = (0..tokens).step_by(step).map(names::user).collect();
        let each_login = |before: &str| -> Vec<String> {
            let paths = logins.iter().map(|login| format!("{before}{login}"));
            paths.collect()
        };
        people::make(self.otpost, "newcomer")?;
        let newcomer = people::sign_in(self.http(&self.portal.base), "newcomer");
        let mut token_pages = Vec::new();
        for login in &logins {
            let user = self.user(login)?;
            let token = user.tokens.first().ok_or("a user without a token")?;
            token_pages.push(format!("/users/{login}/tokens/{}", token.id));
        }
        let searches = (logins.iter())
            .map(|login| {
                Ask::page(format!("/users?search={login}"), owner).showing(format!("href=\"/users/{login}\""))
            })
            .collect();
        let mut pages = vec![
            of("sign-in", vec![Ask::page("/s/vpn", "")]),
            of("home", each(&|_| "/s/vpn/home".to_owned())),
            of(
                "a token: its name",
                each(&|person| format!("/s/vpn/do/rename?token={}", person.token)),
            ),
            // Whoever has a token needs a fresh code before.
            of(
                "Add Token: the number",
                vec![Ask::page("/s/vpn/add/sms", &newcomer)],
            ),
            console("Overview", vec!["/".to_owned()]),
            console("Users: the first page", vec!["/users".to_owned()]),
            Page {
                console: true,
                ..of("Users: one is looked for", searches)
            },
            console(
                "Users: nobody is found",
                vec!["/users?search=nobody-is-called-so".to_owned()],
            ),
            console("a user", each_login("/users/")),
            console("Tokens: the first page", vec!["/tokens".to_owned()]),
            console("a token", token_pages),
            console("Audit", vec!["/audit".to_owned()]),
        ];
        pages.push(self.sign_in()?);
        Ok(pages)
    }

    /// The sign-in of people without a token, who are in with the right password.
    fn sign_in(&self) -> Outcome<Page> {
        let mut asks = Vec::new();
        for n in 0..SIGNERS {
            let login = format!("signer{n:03}");
            people::make(self.otpost, &login)?;
            asks.push(Ask {
                path: "/s/vpn".to_owned(),
                form: form(&[("user", &login), ("password", PASSWORD)]),
                ..Ask::default()
            });
        }
        Ok(Page {
            name: "sign-in with a password",
            console: false,
            hashes: true,
            asks,
        })
    }

    fn row(&self, page: &Page) -> Outcome<Row> {
        let base = if page.console {
            &self.portal.console
        } else {
            &self.portal.base
        };
        // A form that is taken leads on.
        let status = if page.hashes { 303 } else { 200 };
        // From all over the list.
        let step = page.asks.len().div_ceil(TRIED).max(1);
        let (mut looked_at, mut missing) = (0, 0);
        for ask in page.asks.iter().step_by(step) {
            looked_at += 1;
            missing += usize::from(!self.try_once(base, ask, status)?);
        }
        let rate = if page.hashes {
            self.bench.sign_ins
        } else {
            self.bench.rate
        };
        let programs: [Option<&Program>; 2] = [Some(&self.portal.program), self.otpost.daemon.as_ref()];
        let used = || programs.map(|program| program.map_or(0, spent));
        let before = used();
        let served = wrk::run(&Load {
            base,
            rate,
            seconds: self.bench.page_seconds,
            status,
            asks: &page.asks,
            dir: self.dir,
        })?;
        let after = used();
        let answers = f64::from(u32::try_from(served.right.saturating_add(served.other).max(1))?);
        let each = |after: u64, before: u64| {
            let time = std::time::Duration::from_nanos(after.saturating_sub(before));
            time.as_secs_f64() * 1e6 / answers
        };
        let ([portal, daemon], [portal_before, daemon_before]) = (after, before);
        let row = Row {
            page: page.name.to_owned(),
            aim: !page.hashes,
            rate,
            looked_at,
            missing,
            portal: each(portal, portal_before),
            daemon: each(daemon, daemon_before),
            served,
        };
        let served = &row.served;
        say(&format!(
            "{:<44} {:>6.1}/s of {rate}  p50 {:>7.0}  p99 {:>7.0}  longest {:>7.0} us  portal {:>5.0}  otpostd {:>5.0} us each  late {}",
            row.page,
            served.rate(),
            served.p50,
            served.p99,
            served.longest,
            row.portal,
            row.daemon,
            served.late
        ));
        if row.missing > 0 {
            say(&format!(
                "  {missing} of {looked_at} pages did not show what was looked for"
            ));
        }
        if !served.clean() {
            say(&format!(
                "  this row is not clean: {} other answers (the last {}), {} broken, {} timeouts; it counts all the same and is named in the report",
                served.other, served.status, served.broken, served.timeouts
            ));
        }
        Ok(row)
    }

    /// An answer must be one, before its time means anything. Gives whether it shows what it should.
    fn try_once(&self, base: &str, ask: &Ask, status: u16) -> Outcome<bool> {
        let mut http = self.http(base);
        if !ask.cookie.is_empty() {
            http.further = vec![("Cookie", ask.cookie.clone())];
        }
        let form = Some(ask.form.as_str()).filter(|form| !form.is_empty());
        let answer = http.send(ask.method(), &ask.path, form);
        if answer.status != status {
            let words: String = answer.words().chars().take(300).collect();
            return Err(format!("{}: status {}: {words}", ask.path, answer.status).into());
        }
        Ok(answer.body.contains(&ask.shows))
    }
}

/// Nanoseconds of processor time of all threads.
fn spent(program: &Program) -> u64 {
    program.cpu().iter().map(|(_, time)| time).sum()
}
