//! `sanbang demo --story`: the first two months of the team, from the last day of 2021 to the end
//! of February 2022, driven over gRPC against a real server on simulated time.
//!
//! What happened stands in `facts.yaml`, what the team knows of each thing in `parts`; stages,
//! tasks, limits and people are the shipped workflows'. What the ledgers say at the end is compared
//! with the facts.

mod facts;
mod ledgers;
mod parts;
mod roster;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use crate::api::pb;

use super::super::arguments::accepted;
use super::super::exit::Failure;
use super::answers::{local_day, local_hour};
use super::crew::{COORDINATOR, Crew, Part as _};
use super::narrator::Narrator;
use super::opening::instant;
use super::server::Server;
use super::{edits, watcher};
use facts::{Facts, Solved};
use parts::Carried;
use watcher::{Shown, Watcher};

/// The day on which the measure of the Spring Festival is published.
const MEASURE_PUBLISHED: Date = jiff::civil::date(2022, 1, 17);

/// When the last working day before the festival ends, and a recording of the ledgers is made.
const EVE: Date = jiff::civil::date(2022, 1, 30);

/// How long after a visit an emergency is answered: a light has been told by then.
const ANSWERED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_mins(40);

/// The clock of the story's server.
const BEGINNING: &str = "simulated@2021-12-31T09:00:00+08:00";

/// What a chapter shows: its day, title, text, and the kinds of events that are printed.
type Chapter = (Date, &'static str, &'static str, &'static [&'static str]);

const CHAPTERS: [Chapter; 4] = [
    (
        jiff::civil::date(2022, 1, 4),
        "Out to the enterprises",
        "What can be solved on the spot is solved there: the demand begins and ends with the \
         visit. What cannot is given to a unit, with limits; what is heard of an investor becomes \
         a lead.",
        &["instance.created", "instance.completed", "escalation.raised", "escalation.repeated"],
    ),
    (
        jiff::civil::date(2022, 1, 17),
        "A measure with a window",
        "The city pays those who work through the Spring Festival. Who is entitled, and to how \
         much, is a script; the window closes on 15 February, and the festival lies before it.",
        &["instance.created", "instance.completed", "escalation.raised", "escalation.repeated"],
    ),
    (
        jiff::civil::date(2022, 1, 31),
        "The festival",
        "A week without working days: no limit in working days runs out. Whoever is on duty visits \
         those who produce, and hears of what cannot wait.",
        &["instance.created", "instance.completed", "escalation.raised", "escalation.repeated"],
    ),
    (
        jiff::civil::date(2022, 2, 7),
        "Back at work",
        "Fairs for those who come back, money for those who stayed, a contract for two firms.",
        &["instance.completed", "escalation.raised", "escalation.repeated"],
    ),
];

/// Something that happens at an instant, in this order where several happen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// A chapter begins.
    Chapter(usize),
    /// A visit is made.
    Visit(usize),
    /// A job fair begins to be prepared.
    Fair(usize),
    /// The measure is published: every firm that may be entitled is matched.
    Claims,
    /// Everybody does what is to be done.
    Work,
    /// Whoever is on duty answers what was asked on a visit and cannot wait.
    Duty(usize),
    /// The ledgers are recorded, to be asked for again at the end.
    Recording,
}

/// What all chapters share.
struct Story {
    narrator: Narrator,
    server: Server,
    watcher: Watcher,
    crew: Crew,
    facts: Facts,
    carried: Vec<Carried>,
    /// The instances of the enterprises' files, by the enterprise.
    files: BTreeMap<String, String>,
    recorded: Option<ledgers::Recording>,
}

/// Tells the story, and verifies what it tells.
pub(super) async fn tell(narrator: Narrator, directory: &Path) -> Result<(), Failure> {
    edits::lay_out_files(directory)?;
    let facts = Facts::read()?;
    let server = Server::start(directory, BEGINNING).await?;
    narrator.say(&format!(
        "A server runs at {}: its store is a fresh directory, its clock is simulated and stands at \
         Friday, 31 December 2021, 09:00 in China, when the team comes together.",
        server.address()
    ))?;
    let watcher = Watcher::start(server.client(), narrator.clone(), String::new()).await?;
    let crew = Crew::new(server.client());
    let mut story = Story {
        narrator,
        server,
        watcher,
        crew,
        facts,
        carried: Vec::new(),
        files: BTreeMap::new(),
        recorded: None,
    };
    story.begin().await?;
    for (at, moments) in story.timeline().await? {
        story.move_clock(at).await?;
        for moment in moments {
            story.live(moment, at).await?;
        }
    }
    ledgers::compare(&mut story).await?;
    story.server.stop();
    let (held, failed) = (story.narrator.held(), story.narrator.failed());
    story.narrator.say(&format!("{held} checks hold, {failed} do not."))
}

impl Story {
    /// The first day: every firm gets a steward and a file, and the visits are planned.
    async fn begin(&mut self) -> Result<(), Failure> {
        self.narrator.chapter("Fourteen people, twenty enterprises")?;
        self.narrator.say(
            "Each enterprise gets a file, and the rule of the workflow names the member of its \
             industry's group who carries responsibility for it. The visits of the two months are \
             one campaign.",
        )?;
        self.watcher.show(Shown { kinds: vec!["steward.assigned"], instances: Vec::new() });
        let mut begun: Vec<Carried> = self.facts.enterprises.iter().map(parts::dossier).collect();
        begun.push(parts::campaign(&self.facts));
        for carried in begun {
            self.create(carried).await?;
        }
        roster::put(self).await?;
        self.catch_up().await
    }

    /// Everything that happens, by the instant.
    async fn timeline(&self) -> Result<BTreeMap<Timestamp, Vec<Moment>>, Failure> {
        let mut all: BTreeMap<Timestamp, Vec<Moment>> = BTreeMap::new();
        for (at, visit) in self.facts.visits.iter().enumerate() {
            all.entry(visit.at).or_default().push(Moment::Visit(at));
            let answered = visit.at + ANSWERED_AFTER;
            all.entry(answered).or_default().push(Moment::Duty(at));
        }
        for (at, fair) in self.facts.recruitment_events.iter().enumerate() {
            let day = fair.on.checked_sub(Span::new().days(12)).unwrap_or(fair.on);
            let from = local_hour(day, 9).max(self.facts.begins);
            all.entry(from).or_default().push(Moment::Fair(at));
        }
        all.entry(local_hour(MEASURE_PUBLISHED, 11)).or_default().push(Moment::Claims);
        let fairs = self.facts.recruitment_events.iter().map(|fair| fair.on);
        let days: BTreeSet<Date> = self.working_days().await?.into_iter().chain(fairs).collect();
        for day in days {
            for hour in [10, 16] {
                all.entry(local_hour(day, hour)).or_default().push(Moment::Work);
            }
        }
        all.entry(local_hour(EVE, 18)).or_default().push(Moment::Recording);
        for (at, (day, ..)) in CHAPTERS.iter().enumerate() {
            all.entry(local_hour(*day, 9)).or_default().push(Moment::Chapter(at));
        }
        for moments in all.values_mut() {
            moments.sort_unstable();
        }
        all.retain(|at, _| *at >= self.facts.begins && *at <= self.facts.ends);
        Ok(all)
    }

    /// The working days of the story, as the calendar has them.
    async fn working_days(&self) -> Result<Vec<Date>, Failure> {
        let (mut days, mut last) = (Vec::new(), local_day(self.facts.begins));
        let end = local_day(self.facts.ends);
        while last < end {
            days.push(last);
            let length = pb::limit::Length::Amount("1wd".to_owned());
            let request = pb::CalendarServiceComputeRequest {
                calendar: "cn".to_owned(),
                start: Some(seconds(local_hour(last, 12))),
                limit: Some(pb::Limit { length: Some(length) }),
            };
            let mut calendars = self.crew.acting(COORDINATOR)?.calendars();
            let due = calendars.compute(request).await?.into_inner().due.unwrap_or_default();
            last = local_day(instant(due));
        }
        days.push(end);
        Ok(days)
    }

    async fn live(&mut self, moment: Moment, now: Timestamp) -> Result<(), Failure> {
        match moment {
            Moment::Chapter(at) => self.chapter(at),
            Moment::Visit(at) => self.visit(at).await,
            Moment::Fair(at) => {
                let fair = parts::recruitment(&self.facts.recruitment_events[at]);
                self.create(fair).await
            }
            Moment::Claims => self.match_measure().await,
            Moment::Work => self.work(now).await,
            Moment::Duty(at) => self.answer(at, now).await,
            Moment::Recording => {
                self.recorded = Some(ledgers::record(self, now).await?);
                Ok(())
            }
        }
    }

    fn chapter(&self, at: usize) -> Result<(), Failure> {
        let (_, title, text, kinds) = CHAPTERS[at];
        self.narrator.chapter(title)?;
        self.narrator.say(text)?;
        self.watcher.show(Shown { kinds: kinds.to_vec(), instances: Vec::new() });
        Ok(())
    }

    /// A visit is logged in the file of its enterprise; what was found on it begins with it.
    async fn visit(&mut self, at: usize) -> Result<(), Failure> {
        let visit = &self.facts.visits[at];
        let firm = self.facts.enterprise(&visit.enterprise)?;
        let mut starts = Vec::new();
        for demand in self.facts.demands.iter().filter(|it| it.visit == visit.key) {
            starts.push(match demand.solved {
                Solved::OnSite => parts::solved_demand(demand, firm),
                Solved::ByDepartment => parts::assigned_demand(demand, firm),
            });
        }
        let leads = self.facts.leads.iter().filter(|it| it.visit == visit.key);
        starts.extend(leads.map(|lead| parts::lead(lead, firm)));
        if self.facts.matching.visit == visit.key {
            starts.push(parts::matching(&self.facts.matching, firm));
        }
        let found = if starts.is_empty() { "none" } else { "listed" };
        let fields = [
            ("participants", parts::number(visit.by.len())),
            ("theme", parts::text(&visit.theme)),
            ("findings", parts::text(found)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        let instance = self.files.get(&firm.key).cloned().unwrap_or_default();
        let steward = self.crew.get(&instance).await?.steward;
        let request = pb::InstanceServiceLogActivityRequest {
            instance,
            request_id: format!("visit-{}", visit.key),
            activity: "visit".to_owned(),
            fields: Some(prost_types::Struct { fields: fields.into() }),
            starts: starts.iter().map(start).collect(),
            ..pb::InstanceServiceLogActivityRequest::default()
        };
        let mut instances = self.crew.acting(&steward)?.instances();
        accepted(instances.log_activity(request).await?.into_inner().accepted)?;
        self.carried.extend(starts);
        Ok(())
    }

    async fn match_measure(&mut self) -> Result<(), Failure> {
        let mut claims = Vec::new();
        for claim in &self.facts.declarations {
            claims.push(parts::declaration(claim, self.facts.enterprise(&claim.enterprise)?));
        }
        for claim in claims {
            self.create(claim).await?;
        }
        Ok(())
    }

    /// Everybody does what can be done now.
    async fn work(&mut self, now: Timestamp) -> Result<(), Failure> {
        let next = now + jiff::SignedDuration::from_hours(24);
        for carried in &mut self.carried {
            self.crew.work(carried, now, next).await?;
        }
        self.catch_up().await
    }

    /// What a visit found that cannot wait is answered, whatever day it is.
    async fn answer(&mut self, visit: usize, now: Timestamp) -> Result<(), Failure> {
        let key = &self.facts.visits[visit].key;
        let urgent = self.facts.demands.iter().filter(|it| it.urgent && it.visit == *key);
        let urgent: Vec<String> = urgent.map(parts::demand_id).collect();
        for carried in self.carried.iter_mut().filter(|it| urgent.iter().any(|id| id == it.id())) {
            self.crew.work(carried, now, now).await?;
        }
        Ok(())
    }

    async fn create(&mut self, carried: Carried) -> Result<(), Failure> {
        let request = pb::InstanceServiceCreateRequest {
            instance: carried.first_id(),
            request_id: self.crew.request_id(),
            workflow: carried.workflow().to_owned(),
            fields: Some(carried.first_fields()),
            steward: String::new(),
            with_similar: false,
        };
        let mut instances = self.crew.acting(COORDINATOR)?.instances();
        let accepted = accepted(instances.create(request).await?.into_inner().accepted)?;
        self.files.insert(carried.id().to_owned(), accepted.instance.clone());
        self.carried.push(carried.begun(accepted.instance));
        Ok(())
    }

    /// Moves the simulated time; everything that falls due on the way happens.
    async fn move_clock(&mut self, to: Timestamp) -> Result<(), Failure> {
        let request = pb::AdminServiceAdvanceClockRequest { to: Some(seconds(to)) };
        self.crew.acting(COORDINATOR)?.admin().advance_clock(request).await?;
        Ok(())
    }

    /// Waits until the subscriber has printed what has happened.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        self.watcher.catch_up(&self.server.client()).await
    }
}

/// What a visit or a meeting begins.
fn start(carried: &Carried) -> pb::Begin {
    pb::Begin {
        workflow: carried.workflow().to_owned(),
        fields: Some(carried.first_fields()),
        steward: String::new(),
        instance: carried.id().to_owned(),
    }
}

/// An instant on the wire; the story counts in whole seconds.
fn seconds(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }
}
