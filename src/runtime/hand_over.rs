//! Hand-overs: one thread that goes through everything that a member carries, one command after the
//! other, and keeps what became of each thing in a document.
//!
//! Every command has a request id that derives from the hand-over and the thing, so that doing
//! twice is doing once: after a restart it goes on where the document stands. What may be handed to
//! whom is the engine's to decide; what it refuses is left, with the reason.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::engine::Rejection;
use crate::model::actor::Actor;
use crate::model::event::Payload;
use crate::model::hand_over::{HandOver, HandOverItemState};
use crate::model::id::MemberId;
use crate::model::limits;
use crate::model::roster::{OrganizationChange, OrganizationChangeKind, RosterAction};
use crate::model::time::Timestamp;
use crate::store::{DocumentWrite, Error, Store, record};

use super::change::Change;
use super::charges::{self, Charges};
use super::publish::{Publication, PublishError};
use super::roster::RosterError;
use super::shared::Shared;

/// Where hand-overs are kept, each under its name.
const PREFIX: &str = "hand-over/";
/// After so many things at least the document is written: a restart repeats what came after it,
/// without effect.
const KEPT_EVERY: usize = 32;
/// So often at most it is told, and written, how far a round is.
const STEPS_OF_ROUND: usize = 100;
/// How often it is looked what was given to the member meanwhile.
const ROUNDS_MAX: usize = 8;
/// After so long the store is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Bytes of a derived name.
const ID_BYTES: usize = 16;

/// What somebody orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverOrder {
    /// By which a repeat is recognised.
    pub request_id: String,
    /// Who hands over.
    pub from: MemberId,
    /// Who takes over; none: whom the rules name.
    pub to: Option<MemberId>,
    /// Why.
    pub reason: String,
}

/// Which hand-overs somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HandOverQuery {
    /// From or to this member; none: any.
    pub member: Option<MemberId>,
    /// This one; empty: any.
    pub id: String,
    /// Those that come after this one; empty: from the latest on.
    pub after: String,
    /// At most so many.
    pub limit: usize,
}

/// Some of the hand-overs that somebody wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandOverPage {
    /// Latest first.
    pub hand_overs: Vec<HandOver>,
    /// Whether there are more.
    pub more: bool,
}

/// How far a hand-over is: told whenever that changes.
pub type Following = watch::Receiver<Arc<HandOver>>;

/// Which hand-overs there are, and those that are under way.
pub(super) struct HandOvers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// All there ever were, by when they began: what is needed to find those of a page.
    known: BTreeMap<(Timestamp, String), Parties>,
    waiting: VecDeque<String>,
    followed: BTreeMap<String, watch::Sender<Arc<HandOver>>>,
    closed: bool,
}

/// Between whom a hand-over is.
struct Parties {
    from: MemberId,
    to: Option<MemberId>,
}

impl State {
    fn know(&mut self, hand_over: &HandOver) {
        let HandOver { id, from, to, begun_at, .. } = hand_over;
        let parties = Parties { from: from.clone(), to: to.clone() };
        self.known.insert((*begun_at, id.clone()), parties);
    }

    fn follow(&mut self, hand_over: HandOver) {
        self.waiting.push_back(hand_over.id.clone());
        let (id, (sender, _)) = (hand_over.id.clone(), watch::channel(Arc::new(hand_over)));
        self.followed.insert(id, sender);
    }
}

impl HandOvers {
    /// Those that the store knows. What was under way goes on, where it may: then it is followed
    /// from the beginning, as whoever asks for it again expects.
    pub(super) fn read(store: &dyn Store, goes_on: bool) -> Result<Self, Error> {
        let mut state = State::default();
        for (key, content) in store.documents(PREFIX)? {
            let hand_over = parse(&key, &content)?;
            state.know(&hand_over);
            if goes_on && hand_over.ended_at.is_none() {
                tracing::info!(id = hand_over.id, from = %hand_over.from, "a hand-over goes on");
                state.follow(hand_over);
            }
        }
        Ok(Self { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// The names of those that somebody wants to see, latest first, and of one more if there is;
    /// none: there is no such one after which they are to come.
    fn find(&self, query: &HandOverQuery) -> Option<Vec<String>> {
        let HandOverQuery { member, id, after, limit } = query;
        let state = self.lock();
        let mut known = state.known.iter().rev();
        if !after.is_empty() {
            known.by_ref().find(|((_, known), _)| known == after)?;
        }
        let wanted = known.filter(|((_, known), parties)| {
            let concerns =
                |member: &MemberId| parties.from == *member || parties.to.as_ref() == Some(member);
            member.as_ref().is_none_or(concerns) && (id.is_empty() || known == id)
        });
        Some(wanted.take(*limit + 1).map(|((_, id), _)| id.clone()).collect())
    }

    /// Nothing is begun any more; what is under way goes on after the next start.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether nothing may be begun any more, after waiting so long for that.
    pub(super) fn is_closed_after(&self, wait: Duration) -> bool {
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, wait, |state| !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    fn begin(&self, hand_over: &HandOver) {
        let mut state = self.lock();
        state.know(hand_over);
        state.follow(hand_over.clone());
        drop(state);
        self.changed.notify_all();
    }

    fn next(&self) -> Option<String> {
        let state = self.lock();
        let idle = |state: &mut State| !state.closed && state.waiting.is_empty();
        let state = self.changed.wait_while(state, idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.closed { None } else { state.waiting.pop_front() }
    }

    fn follow(&self, stored: HandOver) -> Following {
        match self.lock().followed.get(&stored.id) {
            Some(sender) => sender.subscribe(),
            None => watch::channel(Arc::new(stored)).1,
        }
    }

    fn tell(&self, hand_over: &HandOver) {
        let mut state = self.lock();
        if let Some(sender) = state.followed.get(&hand_over.id) {
            sender.send_replace(Arc::new(hand_over.clone()));
        }
        if hand_over.ended_at.is_some() {
            state.followed.remove(&hand_over.id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a hand-over, or finds the one that the same request began.
pub(super) fn begin(
    shared: &Shared,
    actor: Actor,
    order: &HandOverOrder,
) -> Result<Following, RosterError> {
    let _turn = shared.catalog.publisher.lock();
    let HandOverOrder { request_id, from, to, reason } = order;
    let id = id_of(&actor, request_id);
    if let Some(stored) = read_one(shared.store.as_ref(), &id).map_err(|it| failed(shared, &it))? {
        let same = stored.from == *from && stored.to == *to && stored.reason == *reason;
        if !same {
            return Err(Rejection::RequestIdReused.into());
        }
        return Ok(shared.hand_overs.follow(stored));
    }
    let hand_over = HandOver {
        id,
        from: from.clone(),
        to: to.clone(),
        reason: reason.clone(),
        actor: actor.clone(),
        begun_at: shared.clock.now(),
        ended_at: None,
        items: Vec::new(),
    };
    let action =
        RosterAction::HandOver { from: from.clone(), to: to.clone(), reason: reason.clone() };
    let documents = vec![document(&hand_over)];
    shared.catalog.change_roster_in_turn(shared, actor, &action, documents)?;
    shared.hand_overs.begin(&hand_over);
    Ok(shared.hand_overs.follow(hand_over))
}

/// A page of hand-overs, latest first; none: there is none after which they are to come.
pub(super) fn list(
    hand_overs: &HandOvers,
    store: &dyn Store,
    query: &HandOverQuery,
) -> Result<Option<HandOverPage>, Error> {
    let Some(found) = hand_overs.find(query) else { return Ok(None) };
    let read = found.iter().take(query.limit).map(|id| read_one(store, id));
    let shown = read.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(Some(HandOverPage { hand_overs: shown, more: found.len() > query.limit }))
}

fn read_one(store: &dyn Store, id: &str) -> Result<Option<HandOver>, Error> {
    let key = format!("{PREFIX}{id}");
    let content = store.document(&key)?;
    content.map(|content| parse(&key, &content)).transpose()
}

fn parse(key: &str, content: &[u8]) -> Result<HandOver, Error> {
    record::decode_hand_over(content)
        .map_err(|error| Error::Corrupt(format!("document `{key}`: {error}")))
}

fn document(hand_over: &HandOver) -> DocumentWrite {
    let key = format!("{PREFIX}{}", hand_over.id);
    DocumentWrite { key, content: Some(record::encode_hand_over(hand_over)) }
}

fn failed(shared: &Shared, error: &Error) -> RosterError {
    if let Error::Corrupt(what) = error {
        (shared.fatal)(what);
    }
    RosterError::Unreadable
}

fn id_of(actor: &Actor, request_id: &str) -> String {
    let asked = Sha256::new().chain_update(actor.to_string()).chain_update([0]);
    let digest = asked.chain_update(request_id).finalize();
    digest[..ID_BYTES].iter().fold(String::new(), |mut id, byte| {
        // Writing to a text cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Goes through what is under way, and what is begun from now on, until the runtime stops.
pub(super) fn run(shared: &Arc<Shared>) {
    while let Some(id) = shared.hand_overs.next() {
        let found = asked(shared, |store| read_one(store, &id));
        let Some(found) = found else { return };
        if let Some(hand_over) = found.filter(|it| it.ended_at.is_none())
            && work(shared, hand_over).is_none()
        {
            return;
        }
    }
}

/// Asks the store until it answers; none: the runtime stops.
fn asked<T>(shared: &Shared, mut ask: impl FnMut(&dyn Store) -> Result<T, Error>) -> Option<T> {
    loop {
        match ask(shared.store.as_ref()) {
            Ok(answer) => return Some(answer),
            Err(Error::Corrupt(what)) => {
                (shared.fatal)(&what);
                return None;
            }
            Err(Error::Unavailable(_) | Error::Conflict(_)) => {
                if shared.hand_overs.is_closed_after(RETRY_AFTER) {
                    return None;
                }
            }
        }
    }
}

/// Hands over until nothing is left that could be; none: the runtime stops before.
fn work(shared: &Arc<Shared>, mut hand_over: HandOver) -> Option<()> {
    for _ in 0..ROUNDS_MAX {
        let mut added = asked(shared, |store| charges::carried(store, &hand_over))?;
        added.truncate(limits::HAND_OVER_ITEMS_MAX.saturating_sub(hand_over.items.len()));
        if added.is_empty() && hand_over.waiting() == 0 {
            break;
        }
        hand_over.items.extend(added);
        keep(shared, &hand_over, &[])?;
        let charges = Charges::new(shared, &hand_over);
        let pace = Pace::of(hand_over.items.len());
        let mut done = 0;
        for at in 0..hand_over.items.len() {
            if hand_over.items[at].state != HandOverItemState::Waiting {
                continue;
            }
            let state = charges.hand_over(&hand_over.items[at])?;
            hand_over.items[at].state = state;
            done += 1;
            if pace.is_kept_after(done) {
                keep(shared, &hand_over, &[])?;
            }
            if pace.is_told_after(done) {
                shared.hand_overs.tell(&hand_over);
            }
        }
        keep(shared, &hand_over, &[])?;
    }
    end(shared, hand_over)
}

/// How often a round is written and told: both take all that there is, so not with each thing.
struct Pace {
    step: usize,
}

impl Pace {
    fn of(things: usize) -> Self {
        Self { step: things.div_ceil(STEPS_OF_ROUND).max(1) }
    }

    fn is_kept_after(&self, done: usize) -> bool {
        done.is_multiple_of(self.step.max(KEPT_EVERY))
    }

    fn is_told_after(&self, done: usize) -> bool {
        done.is_multiple_of(self.step)
    }
}

fn end(shared: &Shared, mut hand_over: HandOver) -> Option<()> {
    let catalog = shared.catalog.snapshot();
    let now = shared.clock.now();
    let today = catalog.today(now);
    let beyond = asked(shared, |store| charges::carried(store, &hand_over))?;
    hand_over.items.extend(charges::left_beyond(&beyond));
    let by_hand = charges::left_by_hand(catalog.organization(), &hand_over.from, today);
    hand_over.items.extend(by_hand);
    hand_over.ended_at = Some(now);
    let (done, left) = (hand_over.handed_over(), hand_over.left());
    let change = OrganizationChange {
        what: OrganizationChangeKind::HandOverEnded,
        member: Some(hand_over.from.clone()),
        others: hand_over.to.iter().cloned().collect(),
        from: None,
        to: None,
        words: format!("{}: {done} handed over, {left} left", hand_over.reason),
    };
    keep(shared, &hand_over, &[change])?;
    tracing::info!(id = hand_over.id, from = %hand_over.from, done, left, "handed over");
    shared.hand_overs.tell(&hand_over);
    Some(())
}

/// Writes how far a hand-over is, with what is to be told; none: the runtime stops.
fn keep(shared: &Shared, hand_over: &HandOver, changes: &[OrganizationChange]) -> Option<()> {
    loop {
        let turn = shared.catalog.publisher.lock();
        let catalog = shared.catalog.snapshot().as_ref().clone();
        let digest = catalog.organization_digest.clone();
        let told = !changes.is_empty();
        let payload = Payload::OrganizationChanged { digest, changes: changes.to_vec() };
        let payloads = Some(payload).filter(|_| told).into_iter().collect();
        let documents = vec![document(hand_over)];
        let publication = Publication::default();
        let change = Change { catalog, documents, payloads, publication };
        let actor = hand_over.actor.clone();
        let written = shared.catalog.put_in_place(shared, actor, change);
        drop(turn);
        match written {
            Ok(_) => return Some(()),
            Err(PublishError::Draining) => return None,
            Err(error) => {
                tracing::warn!(%error, "a hand-over could not be written, it is tried again");
                if shared.hand_overs.is_closed_after(RETRY_AFTER) {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Batch;
    use crate::store::memory::MemoryStore;

    fn hand_over(id: &str, ended_at: Option<Timestamp>) -> HandOver {
        HandOver {
            id: id.to_owned(),
            from: MemberId::trusted("anna"),
            to: None,
            reason: "called back".to_owned(),
            actor: Actor::Member(MemberId::trusted("chief")),
            begun_at: Timestamp(1),
            ended_at,
            items: Vec::new(),
        }
    }

    /// What is written and told takes as long as there are things: done with each of them, twice as
    /// many would take four times as long.
    #[test]
    fn the_work_of_a_large_portfolio_grows_with_it_and_no_faster() {
        for things in [1, 31, 99, 100, 101, 20_000, 100_000] {
            let pace = Pace::of(things);
            let count = |is: &dyn Fn(usize) -> bool| (1..=things).filter(|done| is(*done)).count();
            let (told, kept) =
                (count(&|it| pace.is_told_after(it)), count(&|it| pace.is_kept_after(it)));
            assert!(told <= STEPS_OF_ROUND && kept <= STEPS_OF_ROUND, "{things}: {told}, {kept}");
            assert!(told >= things.min(STEPS_OF_ROUND / 2), "{things}: {told}");
            assert!(kept >= (things / KEPT_EVERY).min(STEPS_OF_ROUND / 2), "{things}: {kept}");
        }
    }

    #[test]
    fn who_follows_from_the_start_on_hears_of_the_end() {
        let store = MemoryStore::new(true);
        let (going, over) = (hand_over("a", None), hand_over("b", Some(Timestamp(2))));
        let documents = vec![document(&going), document(&over)];
        store.commit(Batch { documents, ..Batch::default() }).expect("a memory takes it");
        let hand_overs = HandOvers::read(&store, true).expect("it reads");
        let following = hand_overs.follow(going.clone());
        assert!(following.has_changed().is_ok(), "nobody is cut off");
        assert_eq!(hand_overs.next().as_deref(), Some("a"), "it goes on");
        hand_overs.tell(&HandOver { ended_at: Some(Timestamp(3)), ..going });
        assert!(following.borrow().ended_at.is_some());
        // Where nothing goes on, nobody waits for an end.
        let still = HandOvers::read(&store, false).expect("it reads").follow(over);
        assert!(still.has_changed().is_err() && still.borrow().ended_at.is_some());
    }
}
