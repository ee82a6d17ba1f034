//! What the ledgers say: recorded once in the middle of the story and asked for again at its end,
//! and compared with the facts.

use jiff::Timestamp;

use crate::api::pb;
use crate::api::pb::cell::Value as Cell;
use crate::api::pb::event::Payload;
use crate::cli::demo::answers::OFFSET;
use crate::cli::demo::crew::COORDINATOR;
use crate::cli::demo::opening::instant;
use crate::cli::exit::Failure;

use super::{Story, seconds};

/// Rows asked for at once.
const PAGE: i32 = 500;

/// The demand whose unit does not answer before the festival.
const SILENT: &str = "demand-d25";

/// What is told about it: 29 and 30 January are a weekend that is worked.
const SILENT_CLIMBS: [&str; 4] = ["L2 01-30 17:30", "L3 02-07 17:30", "L4 02-09 17:30", "done"];

/// Every ledger as it was told at an instant.
pub(super) struct Recording {
    at: Timestamp,
    ledgers: Vec<(String, Told)>,
}

/// A ledger as it was told.
#[derive(PartialEq)]
struct Told {
    columns: Vec<pb::LedgerColumn>,
    rows: Vec<pb::LedgerRow>,
    totals: Vec<pb::Cell>,
}

/// Records every ledger as it is now.
pub(super) async fn record(story: &Story, now: Timestamp) -> Result<Recording, Failure> {
    let mut ledgers = Vec::new();
    for name in names(story).await? {
        let told = tell(story, &name, None).await?;
        ledgers.push((name, told));
    }
    Ok(Recording { at: now, ledgers })
}

/// Compares the ledgers with the recording and with the facts.
pub(super) async fn compare(story: &mut Story) -> Result<(), Failure> {
    story.narrator.chapter("What the ledgers say")?;
    if let Some(recording) = story.recorded.take() {
        for (name, told) in &recording.ledgers {
            let again = tell(story, name, Some(recording.at)).await?;
            let rows = told.rows.len();
            let what =
                format!("{name} as of the eve of the festival is as it was told then: {rows} rows");
            story.narrator.check(again == *told, &what)?;
        }
    }
    visits(story).await?;
    demands(story).await?;
    leads(story).await?;
    fairs(story).await?;
    claims(story).await?;
    matching(story).await?;
    super::roster::compare(story)?;
    silence(story)
}

/// The unit that did not answer before the festival: it climbs on the right days, over two worked
/// days and a week without any, and falls silent with the work.
fn silence(story: &Story) -> Result<(), Failure> {
    let told: Vec<String> = story
        .watcher
        .since(0, |event| event.instance == SILENT)
        .iter()
        .filter_map(|event| match event.payload.as_ref()? {
            Payload::EscalationRaised(raised) => of_handle(raised.clock.as_ref()?)
                .then(|| Some(format!("{} {}", raised.fired.as_ref()?.level, local(event))))
                .flatten(),
            Payload::TaskCompleted(done) => {
                (done.task.as_ref()?.id == "handle").then(|| "done".to_owned())
            }
            _ => None,
        })
        .collect();
    story.narrator.quote(&format!("{SILENT}: {}", told.join(", ")))?;
    let what = "the silent unit climbs on worked days only, and no further once it has answered";
    story.narrator.check(told == SILENT_CLIMBS, what)
}

fn of_handle(clock: &pb::ClockRef) -> bool {
    let owner = clock.owner.as_ref().and_then(|owner| owner.owner.as_ref());
    matches!(owner, Some(pb::clock_owner::Owner::Task(task)) if task.id == "handle")
}

fn local(event: &pb::Event) -> String {
    let at = event.due_time.or(event.time).unwrap_or_default();
    OFFSET.to_datetime(instant(at)).strftime("%m-%d %H:%M").to_string()
}

async fn visits(story: &Story) -> Result<(), Failure> {
    let facts = &story.facts;
    let told = tell(story, "visit_ledger", None).await?;
    let people: usize = facts.visits.iter().map(|visit| visit.by.len()).sum();
    let held = told.rows.len() == facts.visits.len()
        && told.total("Participants") == Some(people.to_string());
    let what = format!("{} visits, {people} person-visits", facts.visits.len());
    story.narrator.check(held, &what)
}

async fn demands(story: &Story) -> Result<(), Failure> {
    let facts = &story.facts;
    let told = tell(story, "demand_ledger", None).await?;
    let on_site = facts.demands.iter().filter(|demand| demand.unit.is_none()).count();
    let collected = facts.demands.len();
    let held = told.rows.len() == collected
        && told.count("Solved on the spot", "yes") == on_site
        && told.count("Status", "completed") == collected;
    let what = format!("{collected} demands collected and solved, {on_site} of them on the spot");
    story.narrator.check(held, &what)
}

async fn leads(story: &Story) -> Result<(), Failure> {
    let told = tell(story, "lead_ledger", None).await?;
    let leads = story.facts.leads.len();
    let sum: u32 = story.facts.leads.iter().map(|lead| lead.total_investment).sum();
    let held = told.rows.len() == leads && told.total("Total investment") == Some(sum.to_string());
    story.narrator.check(held, &format!("{leads} leads, of {sum} times 10,000 CNY together"))
}

async fn fairs(story: &Story) -> Result<(), Failure> {
    let told = tell(story, "recruitment_ledger", None).await?;
    let fairs = story.facts.recruitment_events.len();
    let posts: u32 = story.facts.recruitment_events.iter().map(|fair| fair.posts).sum();
    let held = told.rows.len() == fairs && told.total("Posts offered") == Some(posts.to_string());
    story.narrator.check(held, &format!("{fairs} recruitment events with {posts} posts"))
}

async fn claims(story: &Story) -> Result<(), Failure> {
    let told = tell(story, "declaration_ledger", None).await?;
    let claims: Vec<u32> = story.facts.declarations.iter().map(super::parts::entitlement).collect();
    let (paid, sum) = (claims.iter().filter(|it| **it > 0).count(), claims.iter().sum::<u32>());
    let held =
        told.rows.len() == claims.len() && told.total("Amount paid") == Some(sum.to_string());
    let what = format!(
        "{} declarations: {paid} paid, {sum} times 10,000 CNY, submitted before the window closed",
        claims.len()
    );
    story.narrator.check(held, &what)
}

async fn matching(story: &Story) -> Result<(), Failure> {
    let instance = story.crew.get("match-1").await?;
    let held = instance.status() == pb::InstanceStatus::Completed;
    let (from, to) = (&story.facts.matching.enterprise, &story.facts.matching.counterpart);
    story.narrator.check(held, &format!("{from} and {to} were brought together, with a contract"))
}

async fn names(story: &Story) -> Result<Vec<String>, Failure> {
    let mut ledgers = story.crew.acting(COORDINATOR)?.ledgers();
    let answer = ledgers.list_ledgers(pb::LedgerServiceListLedgersRequest {}).await?;
    Ok(answer.into_inner().ledgers.into_iter().map(|ledger| ledger.id).collect())
}

async fn tell(story: &Story, ledger: &str, as_of: Option<Timestamp>) -> Result<Told, Failure> {
    let mut ledgers = story.crew.acting(COORDINATOR)?.ledgers();
    let mut told = Told { columns: Vec::new(), rows: Vec::new(), totals: Vec::new() };
    let mut page_token = String::new();
    loop {
        let request = pb::LedgerServiceQueryRequest {
            ledger: ledger.to_owned(),
            as_of: as_of.map(seconds),
            page_size: PAGE,
            page_token,
            ..pb::LedgerServiceQueryRequest::default()
        };
        let page = ledgers.query(request).await?.into_inner();
        told.columns = page.columns;
        told.totals = page.totals;
        told.rows.extend(page.rows);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(told);
        }
    }
}

impl Told {
    /// What stands under the column of this title.
    fn total(&self, title: &str) -> Option<String> {
        words(self.totals.get(self.column(title)?)?)
    }

    /// How many rows have this in the column of this title.
    fn count(&self, title: &str, word: &str) -> usize {
        let Some(column) = self.column(title) else { return 0 };
        let cells = self.rows.iter().filter_map(|row| words(row.cells.get(column)?));
        cells.filter(|cell| cell == word).count()
    }

    fn column(&self, title: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.title.starts_with(title))
    }
}

fn words(cell: &pb::Cell) -> Option<String> {
    match cell.value.as_ref()? {
        Cell::Integer(number) => Some(number.to_string()),
        Cell::Text(text) | Cell::Decimal(text) | Cell::Date(text) | Cell::Time(text) => {
            Some(text.clone())
        }
    }
}
