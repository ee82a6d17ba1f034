//! The projects of the demo and their facts: invented, and each different in what matters.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use crate::api::pb;

use super::crew::Part;

/// Work that takes its time, in days; everything else is done the next time that somebody looks.
const TAKES_DAYS: [(&str, i64); 4] =
    [("finish_works", 75), ("start_production", 20), ("full_capacity", 40), ("lease_handover", 5)];

/// A project as the demo's people know it, before the server does.
pub(super) struct Project {
    /// Its id.
    pub(super) id: &'static str,
    /// What makes it different, for the reader.
    pub(super) about: &'static str,
    /// What is known from the beginning.
    facts: &'static [(&'static str, Fact)],
    /// What becomes known when a stage asks for it.
    later: &'static [(&'static str, Fact)],
    /// What tasks end with, where it is not the first outcome of the file, in order.
    pub(super) outcomes: BTreeMap<&'static str, Vec<&'static str>>,
    /// Tasks that nobody does for the time being.
    pub(super) neglected: BTreeSet<&'static str>,
}

/// A fact.
#[derive(Clone, Copy)]
pub(super) enum Fact {
    /// A text, a choice, a day, a decimal.
    Text(&'static str),
    /// A whole number.
    Number(f64),
    /// Yes or no.
    Yes(bool),
}

use Fact::{Number, Text, Yes};

impl Project {
    /// The fields with which it is created.
    pub(super) fn first_fields(&self) -> Struct {
        Struct { fields: self.facts.iter().map(|(name, fact)| pair(name, *fact)).collect() }
    }
}

impl Part for Project {
    fn id(&self) -> &str {
        self.id
    }

    fn field(&self, field: &str) -> Option<Value> {
        let known = self.later.iter().chain(self.facts).find(|(name, _)| *name == field);
        known.map(|(name, fact)| pair(name, *fact).1)
    }

    fn form(&self, _task: &str, _field: &str) -> Option<Value> {
        None
    }

    fn changes(&self, _task: &str) -> Option<Struct> {
        None
    }

    fn take_outcome(&mut self, task: &str) -> Option<String> {
        let outcomes = self.outcomes.get_mut(task)?;
        (!outcomes.is_empty()).then(|| outcomes.remove(0).to_owned())
    }

    fn logs(&self, _activity: &str) -> bool {
        true
    }

    fn leaves(&self, _stage: &str) -> bool {
        true
    }

    fn is_time_for(
        &self,
        task: &str,
        opened: Timestamp,
        now: Timestamp,
        instance: &pb::Instance,
    ) -> bool {
        // A task force works until the project produces.
        let waits = task == "dissolve_task_force" && !instance.path_stage.is_empty();
        if waits || self.neglected.contains(task) {
            return false;
        }
        let days = TAKES_DAYS.iter().find(|(name, _)| *name == task).map_or(0, |(_, days)| *days);
        now.as_second() >= opened.as_second() + days * 24 * 60 * 60
    }
}

fn pair(name: &str, fact: Fact) -> (String, Value) {
    let kind = match fact {
        Text(text) => Kind::StringValue(text.to_owned()),
        Number(number) => Kind::NumberValue(number),
        Yes(yes) => Kind::BoolValue(yes),
    };
    (name.to_owned(), Value { kind: Some(kind) })
}

/// Every project of the first day.
pub(super) fn all() -> Vec<Project> {
    vec![bought_land(), leased_factory(), small(), returned(), given_up()]
}

fn bought_land() -> Project {
    Project {
        id: "glass-works",
        about: "buys land, 120 million CNY: a task force is set up",
        facts: &[
            ("project_name", Text("Photovoltaic glass works")),
            ("investor", Text("Huaguang Glass")),
            ("industry", Text("new_energy_materials")),
            ("total_investment", Text("12000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("land_purchase")),
            ("hazard", Text("none")),
            ("land_area", Text("120")),
            ("plot_state", Text("ready")),
            ("instant_start", Yes(true)),
            ("jobs", Number(240.0)),
        ],
        outcomes: BTreeMap::new(),
        neglected: ["dedupe_check", "confirm_steward"].into(),
    }
}

fn leased_factory() -> Project {
    Project {
        id: "sensor-line",
        about: "leases a factory: land supply is passed over",
        facts: &[
            ("project_name", Text("Pressure sensor line")),
            ("investor", Text("Minxin Sensors")),
            ("industry", Text("smart_sensors")),
            ("total_investment", Text("6000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("leased_factory")),
            ("hazard", Text("none")),
        ],
        outcomes: BTreeMap::new(),
        neglected: BTreeSet::new(),
    }
}

fn small() -> Project {
    Project {
        id: "clinic-devices",
        about: "30 million CNY on its own site: below the threshold of a task force",
        facts: &[
            ("project_name", Text("Clinic devices workshop")),
            ("investor", Text("Kangda Devices")),
            ("industry", Text("medical_devices")),
            ("total_investment", Text("3000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("existing_site")),
            ("hazard", Text("none")),
        ],
        outcomes: BTreeMap::new(),
        neglected: BTreeSet::new(),
    }
}

fn returned() -> Project {
    Project {
        id: "cold-chain",
        about: "the pre-review asks for other terms: back to the negotiation",
        facts: &[
            ("project_name", Text("Cold chain centre")),
            ("investor", Text("Xinlian Logistics")),
            ("industry", Text("commerce_logistics")),
            ("total_investment", Text("8000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("leased_factory")),
            ("hazard", Text("none")),
        ],
        outcomes: [("composite_opinion", vec!["revise"])].into(),
        neglected: BTreeSet::new(),
    }
}

fn given_up() -> Project {
    Project {
        id: "battery-parts",
        about: "the investor goes elsewhere: given up with a reason",
        facts: &[
            ("project_name", Text("Battery parts")),
            ("investor", Text("Yaodian Parts")),
            ("industry", Text("new_energy_materials")),
            ("total_investment", Text("9000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("land_purchase")),
            ("hazard", Text("none")),
        ],
        outcomes: BTreeMap::new(),
        neglected: ["mutual_visits"].into(), // the investor does not come any more
    }
}

/// The project that comes just before the Spring Festival.
pub(super) fn before_the_festival() -> Project {
    Project {
        id: "spring-mill",
        about: "comes on the last Friday before the Spring Festival",
        facts: &[
            ("project_name", Text("Spring mill")),
            ("investor", Text("Chunhe Machines")),
            ("industry", Text("smart_sensors")),
            ("total_investment", Text("4000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("existing_site")),
            ("hazard", Text("none")),
        ],
        outcomes: BTreeMap::new(),
        neglected: ["collect_lead_data"].into(),
    }
}

/// The project that begins after the workflow was edited.
pub(super) fn after_the_edit() -> Project {
    Project {
        id: "new-rules",
        about: "begins under the edited workflow",
        facts: &[
            ("project_name", Text("Membrane plant")),
            ("investor", Text("Lanmo Membranes")),
            ("industry", Text("new_energy_materials")),
            ("total_investment", Text("7000")),
        ],
        later: &[
            ("tier", Text("B")),
            ("site_mode", Text("leased_factory")),
            ("hazard", Text("none")),
        ],
        outcomes: BTreeMap::new(),
        neglected: BTreeSet::new(),
    }
}
