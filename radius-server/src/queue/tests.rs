use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// How many requests can be held together.
const IN_WORK: usize = KNOWN_WORKING + KNOWN_WAITING + FIRST_MOST + ACCOUNT_WORKING + 6 * LANES_WAITING;

const MS: Duration = Duration::from_millis(1);

fn name(client: &str) -> Arc<str> {
    client.into()
}

fn ask<T: std::fmt::Debug>(queue: &mut Queue<T>, now: Instant) -> Option<(T, Place)> {
    match queue.next(now)? {
        Next::Ask(item, place) => Some((item, place)),
        Next::Late(item) => panic!("{item:?} is late"),
    }
}

#[test]
fn answers_of_known_sessions_overtake_first_requests() {
    let (mut queue, now) = (Queue::default(), crate::sys::now());
    for n in 0..3 {
        queue.push(now, Class::First, &name("vpn"), n).unwrap();
    }
    queue.push(now, Class::Known, &name("vpn"), 100).unwrap();
    let order: Vec<i32> = std::iter::from_fn(|| ask(&mut queue, now))
        .map(|(item, _)| item)
        .collect();
    assert_eq!(order, [100, 0, 1, 2]);
}

#[test]
fn clients_take_turns_however_much_one_of_them_sends() {
    let (mut queue, now) = (Queue::default(), crate::sys::now());
    for n in 0..100 {
        queue.push(now, Class::First, &name("flood"), n).unwrap();
    }
    queue.push(now, Class::First, &name("one"), 1000).unwrap();
    queue.push(now, Class::First, &name("two"), 2000).unwrap();
    let order: Vec<i32> = std::iter::from_fn(|| ask(&mut queue, now))
        .take(5)
        .map(|(item, _)| item)
        .collect();
    assert_eq!(order, [0, 1000, 2000, 1, 2]);
}

#[test]
fn a_client_whose_requests_all_hang_leaves_room_for_others_and_for_answers() {
    let (mut queue, now) = (Queue::default(), crate::sys::now());
    let mut places = Vec::new();
    for n in 0..LANE_WAITING {
        queue.push(now, Class::First, &name("hangs"), n).unwrap();
    }
    while let Some((_, place)) = ask(&mut queue, now) {
        places.push(place);
    }
    assert_eq!(places.len(), share(FIRST_START));
    for n in 0..10 {
        queue.push(now, Class::First, &name("other"), 1000 + n).unwrap();
    }
    queue.push(now, Class::Known, &name("hangs"), 9000).unwrap();
    let order: Vec<usize> = std::iter::from_fn(|| ask(&mut queue, now))
        .map(|(item, _)| item)
        .collect();
    assert_eq!(order, std::iter::once(9000).chain(1000..1010).collect::<Vec<_>>());
    // One that ends lets the next of that client go.
    assert!(queue.finish(now, &places[0]));
    assert_eq!(ask(&mut queue, now).unwrap().0, share(FIRST_START));
}

#[test]
fn what_finds_no_room_or_waits_too_long_is_given_back() {
    let (mut queue, now) = (Queue::default(), crate::sys::now());
    for n in 0..LANE_WAITING {
        queue.push(now, Class::First, &name("vpn"), n).unwrap();
    }
    assert_eq!(queue.push(now, Class::First, &name("vpn"), 1), Err(1));
    assert!(queue.has_room(now, Class::First, "other") && queue.has_room(now, Class::Known, "vpn"));
    let late = now + PATIENCE + MS;
    assert_eq!(queue.next(late), Some(Next::Late(0)));
    // While the oldest is late, the client's others would be too.
    assert!(!queue.has_room(late, Class::First, "vpn"));
    for _ in 1..LANE_WAITING {
        assert!(matches!(queue.next(late), Some(Next::Late(_))));
    }
    assert_eq!((queue.next(late), queue.waiting()), (None, 0));
    assert!(queue.first.lanes.is_empty() && queue.first.turn.is_empty());
    for n in 0..KNOWN_WAITING {
        queue.push(now, Class::Known, &name("vpn"), n).unwrap();
    }
    assert_eq!(queue.push(now, Class::Known, &name("vpn"), 7), Err(7));
    assert_eq!(queue.next(now + KNOWN_PATIENCE + MS), Some(Next::Late(0)));
}

#[test]
fn accounting_has_a_share_and_takes_none() {
    let (mut queue, now) = (Queue::default(), crate::sys::now());
    for n in 0..200 {
        queue.push(now, Class::Account, &name("vpn"), n).unwrap();
        queue.push(now, Class::First, &name("vpn"), 1000 + n).unwrap();
    }
    let order: Vec<i32> = std::iter::from_fn(|| ask(&mut queue, now))
        .map(|(item, _)| item)
        .collect();
    let (first, account) = order.split_at(share(FIRST_START));
    assert!(first.iter().all(|item| *item >= 1000));
    assert_eq!(
        account,
        (0..i32::try_from(share(ACCOUNT_WORKING)).unwrap()).collect::<Vec<_>>()
    );
}

#[test]
fn first_requests_that_are_slow_alone_do_not_close_the_window() {
    let (mut queue, mut now) = (Queue::default(), crate::sys::now());
    // A directory that hangs: every first request takes ten seconds, and some of other users none.
    for n in 0..200 {
        queue.push(now, Class::First, &name("vpn"), n).unwrap();
        if let Some(Next::Ask(_, place)) = queue.next(now) {
            now += Duration::from_secs(10);
            queue.finish(now, &place);
        }
    }
    assert_eq!(queue.window.size, FIRST_START);
}

/// A daemon that answers `rate` requests a second, one after the other, and what comes to it in a virtual minute.
struct Simulation {
    rate: u32,
    flood: u32,
    quiet: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    FloodFirst,
    QuietFirst,
    FloodAnswer,
    QuietAnswer,
}

/// How many came, how many of these had their answer, and how many within a second.
#[derive(Debug, Default, Clone, Copy)]
struct InTime {
    came: u32,
    ended: u32,
    done: u32,
}

impl Simulation {
    fn run(&self) -> BTreeMap<Kind, InTime> {
        let start = crate::sys::now();
        let mut queue: Queue<(Kind, Instant)> = Queue::default();
        let mut daemon: VecDeque<(Kind, Instant, Place)> = VecDeque::new();
        let mut answers: BTreeMap<u32, Vec<Kind>> = BTreeMap::new();
        let mut seen: BTreeMap<Kind, InTime> = BTreeMap::new();
        let (mut served, mut flooded, mut calm) = (0_u32, 0_u32, 0_u32);
        for tick in 0..60_000_u32 {
            let now = start + MS * tick;
            let mut come = answers.remove(&tick).unwrap_or_default();
            flooded += self.flood;
            come.extend((0..flooded / 1000).map(|_| Kind::FloodFirst));
            flooded %= 1000;
            calm += self.quiet;
            come.extend((0..calm / 1000).map(|_| Kind::QuietFirst));
            calm %= 1000;
            for kind in come {
                let (class, client) = match kind {
                    Kind::FloodFirst => (Class::First, "flood"),
                    Kind::QuietFirst => (Class::First, "quiet"),
                    Kind::FloodAnswer => (Class::Known, "flood"),
                    Kind::QuietAnswer => (Class::Known, "quiet"),
                };
                seen.entry(kind).or_default().came += 1;
                let _ = queue.push(now, class, &name(client), (kind, now));
            }
            // The daemon takes them in the order in which they reach it.
            served += self.rate;
            for _ in 0..served / 1000 {
                while let Some(next) = queue.next(now) {
                    if let Next::Ask((kind, born), place) = next {
                        daemon.push_back((kind, born, place));
                    }
                }
                let Some((kind, born, place)) = daemon.pop_front() else {
                    break;
                };
                queue.finish(now, &place);
                let sort = seen.entry(kind).or_default();
                sort.ended += 1;
                sort.done += u32::from(now - born <= Duration::from_secs(1));
                // People type their code after two to ten seconds.
                let typed = tick + 2000 + tick.wrapping_mul(7919) % 8000;
                match kind {
                    Kind::FloodFirst => answers.entry(typed).or_default().push(Kind::FloodAnswer),
                    Kind::QuietFirst => answers.entry(typed).or_default().push(Kind::QuietAnswer),
                    _ => {}
                }
            }
            served %= 1000;
        }
        seen
    }
}

#[test]
fn at_five_times_the_load_answers_and_other_clients_are_in_time() {
    for rate in [150, 400, 1500, 5000] {
        let simulation = Simulation {
            rate,
            flood: 5 * rate,
            quiet: rate / 25,
        };
        let seen = simulation.run();
        for kind in [Kind::FloodAnswer, Kind::QuietFirst, Kind::QuietAnswer] {
            let InTime { came, done, .. } = seen[&kind];
            assert!(came > 100, "{rate}/s: {kind:?} {came}");
            assert!(
                f64::from(done) >= 0.95 * f64::from(came),
                "{rate}/s: {done} of {came} {kind:?} within a second"
            );
        }
        // Nor is the daemon idle meanwhile.
        let ended: u32 = seen.values().map(|kind| kind.ended).sum();
        assert!(ended > rate * 59, "{rate}/s: {ended} in all, {seen:?}");
    }
}

#[test]
fn without_overload_nothing_is_turned_away_and_the_window_follows() {
    let simulation = Simulation {
        rate: 4000,
        flood: 1900,
        quiet: 20,
    };
    for (kind, InTime { came, done, .. }) in simulation.run() {
        let on_their_way = u32::from(matches!(kind, Kind::FloodFirst | Kind::QuietFirst)) * 10;
        assert!(done + on_their_way >= came, "{kind:?}: {done} of {came}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing is lost or given twice, and the bounds hold, whatever happens in whichever order.
    #[test]
    fn every_request_comes_out_once(steps in prop::collection::vec((0_u8..8, 0_u8..4, 0_u64..400), 1..400)) {
        let mut queue: Queue<u64> = Queue::default();
        let mut now = crate::sys::now();
        let (mut serial, mut held, mut working) = (0_u64, std::collections::BTreeSet::new(), Vec::new());
        for (action, client, pause) in steps {
            now += MS * u32::try_from(pause).unwrap();
            let class = match action % 4 { 0 => Class::Known, 1 => Class::Account, _ => Class::First };
            match action {
                0..4 => for _ in 0..40 {
                    serial += 1;
                    match queue.push(now, class, &name(&client.to_string()), serial) {
                        Ok(()) => prop_assert!(held.insert(serial)),
                        Err(same) => prop_assert_eq!(same, serial),
                    }
                },
                4..6 => while let Some(next) = queue.next(now) {
                    let item = match next {
                        Next::Ask(item, place) => { working.push(place); item }
                        Next::Late(item) => item,
                    };
                    prop_assert!(held.remove(&item));
                },
                _ => if let Some(place) = working.pop() {
                    prop_assert_eq!(queue.finish(now, &place), !held.is_empty());
                },
            }
            prop_assert_eq!(queue.waiting(), held.len());
            prop_assert!(held.len() + working.len() <= IN_WORK);
            prop_assert!(queue.first.working <= FIRST_MOST && queue.known_working <= KNOWN_WORKING);
        }
        for place in working.drain(..) {
            queue.finish(now, &place);
        }
        while let Some(next) = queue.next(now) {
            match next {
                Next::Ask(item, place) => { queue.finish(now, &place); prop_assert!(held.remove(&item)); }
                Next::Late(item) => prop_assert!(held.remove(&item)),
            }
        }
        prop_assert!(held.is_empty());
        prop_assert!(queue.first.lanes.is_empty() && queue.account.lanes.is_empty());
    }
}
