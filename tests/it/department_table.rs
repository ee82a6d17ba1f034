//! The department's own table of stages, printed from what was compiled: who owns a stage or a
//! task, how long it may take, and how it climbs when it takes longer.
//!
//! Knows only the compiled form: what it prints is what the engine will do, not what a file says.

use comfy_table::{Table, presets};
use sanbang::definition::compiled::{
    ClockRule, ClockSpec, LimitChoice, Policy, Repeat, Requirement,
};
use sanbang::definition::compiled::{Step, StepInstant, TaskSpec, Workflow};
use sanbang::definition::{self, sources::Sources};
use sanbang::model::escalation::Priority;
use sanbang::model::id::RoleId;
use sanbang::model::organization::{GroupKind, Organization, Title};
use sanbang::model::time::{Amount, Offset, Unit};

/// One table for each language: the words differ, the content does not.
#[derive(Clone, Copy)]
enum Language {
    English,
    Chinese,
}

struct Printer<'a> {
    language: Language,
    workflow: &'a Workflow,
    organization: &'a Organization,
}

impl Printer<'_> {
    fn say(&self, english: &str, chinese: &str) -> String {
        match self.language {
            Language::English => english.to_owned(),
            Language::Chinese => chinese.to_owned(),
        }
    }

    fn title(&self, title: &Title) -> String {
        self.say(&title.en, &title.zh)
    }

    fn everything(&self) -> String {
        let title = self.title(&self.workflow.title);
        format!("{title}\n{}\n\n{}\n", self.stages(), self.ladders())
    }

    /// A row for each stage, and below it one for each further clock and each task.
    fn stages(&self) -> Table {
        let mut table =
            self.table(&["Stage", "Owner", "Limit", "Ladder"], &["环节", "责任人", "时限", "督办"]);
        let whole = self.say("The whole project", "项目全程");
        table.add_row([whole, self.role("steward"), String::new(), String::new()]);
        self.add_clocks(&mut table, &self.workflow.clocks);
        if let Some(suspension) = &self.workflow.suspension {
            let name = format!("  · {}", self.say("suspension", "挂起"));
            let owner = suspension
                .approver
                .as_ref()
                .map_or_else(String::new, |approver| self.role(approver.as_str()));
            let (limit, ladder) = self.clock(&suspension.clock);
            table.add_row([name, owner, limit, ladder]);
        }
        for (at, stage) in self.workflow.stages.iter().enumerate() {
            let beside = match &stage.beside {
                Some(beside) if beside.recurring => {
                    self.say(" (beside, recurring)", "（并行、多次）")
                }
                Some(_) => self.say(" (beside)", "（并行）"),
                None => String::new(),
            };
            let name = format!("{} {}{beside}", at + 1, self.title(&stage.title));
            let own = stage.clocks.iter().find(|clock| clock.id.as_str() == "stage");
            let (limit, ladder) = own.map_or_else(Default::default, |clock| self.clock(clock));
            table.add_row([name, self.role(stage.role.as_str()), limit, ladder]);
            let others = stage.clocks.iter().filter(|clock| clock.id.as_str() != "stage");
            self.add_clocks(&mut table, others);
            for task in &stage.tasks {
                table.add_row(self.task(task));
            }
        }
        table
    }

    fn table(&self, english: &[&str], chinese: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(match self.language {
            Language::English => english,
            Language::Chinese => chinese,
        });
        table
    }

    fn add_clocks<'c>(&self, table: &mut Table, clocks: impl IntoIterator<Item = &'c ClockSpec>) {
        for clock in clocks {
            let (limit, ladder) = self.clock(clock);
            table.add_row([format!("  · {}", clock.id), String::new(), limit, ladder]);
        }
    }

    fn task(&self, task: &TaskSpec) -> [String; 4] {
        let mut owners: Vec<String> = Vec::new();
        for role in &task.roles {
            owners.push(self.role(role.as_str()));
        }
        if task.four_eyes {
            owners.push(self.say("four eyes", "经办与审签分离"));
        }
        if task.optional {
            owners.push(self.say("optional", "可选"));
        }
        let (limit, ladder) =
            task.clock.as_ref().map_or_else(Default::default, |clock| self.clock(clock));
        let name = format!("  – {}", self.title(&task.title));
        [name, owners.join("\n"), limit, ladder]
    }

    fn role(&self, role: &str) -> String {
        let title = match self.organization.role(role) {
            Some(role) => &role.title,
            None => &self.organization.group(role).expect("a role or a group").title,
        };
        self.title(title)
    }

    fn roles(&self, roles: &[RoleId]) -> String {
        let titles: Vec<String> = roles.iter().map(|role| self.role(role.as_str())).collect();
        titles.join(&self.say(", ", "、"))
    }

    fn clock(&self, clock: &ClockSpec) -> (String, String) {
        let mut limit = match &clock.kind {
            ClockRule::Within(choices) => self.choices(choices),
            ClockRule::By(field) => {
                let field = self.workflow.field(field.as_str()).expect("a declared field");
                let title = self.title(&field.title);
                self.say(&format!("by: {title}"), &format!("不晚于{title}"))
            }
            ClockRule::Every { limits, reset_by } => {
                let limits = self.choices(limits);
                let names: Vec<String> = reset_by
                    .iter()
                    .map(|id| self.workflow.activity(id.as_str()).expect("a declared activity"))
                    .map(|activity| self.title(&activity.title))
                    .collect();
                let resets = names.join(&self.say(" or ", "或"));
                let english = format!("every {limits}\n{resets}");
                self.say(&english, &format!("每{limits}\n{resets}"))
            }
            ClockRule::Wait(choices) => {
                let choices = self.choices(choices);
                self.say(&format!("{choices}, fixed"), &format!("{choices}（固定期间）"))
            }
            ClockRule::Check { function, runs } => {
                let english = format!("measured by {}: {runs}", function.0);
                self.say(&english, &format!("按{}核查（{runs}）", function.0))
            }
            ClockRule::Raise { when, .. } => {
                let when = when.source();
                self.say(&format!("as soon as {when}"), &format!("一旦 {when}"))
            }
        };
        if let Some(excluded) = &clock.excluded_while {
            let excluded = excluded.source();
            let english = format!("\nnot counted while {excluded}");
            limit.push_str(&self.say(&english, &format!("\n{excluded} 期间不计")));
        }
        (limit, clock.policy.as_ref().map_or_else(String::new, ToString::to_string))
    }

    fn choices(&self, choices: &[LimitChoice]) -> String {
        let mut texts = Vec::new();
        for choice in choices {
            let take = self.amount(choice.take);
            texts.push(match &choice.when {
                Some(when) => {
                    let when = when.source();
                    self.say(&format!("{take} if {when}"), &format!("{take}（若 {when}）"))
                }
                None if choices.len() > 1 => {
                    self.say(&format!("otherwise {take}"), &format!("否则{take}"))
                }
                None => take,
            });
        }
        texts.join("\n")
    }

    fn amount(&self, amount: Amount) -> String {
        let (english, chinese) = match amount.unit {
            Unit::WorkingDays => ("working day", "个工作日"),
            Unit::WorkingHours => ("working hour", "个工作小时"),
            Unit::WorkingMinutes => ("working minute", "工作分钟"),
            Unit::CalendarDays => ("calendar day", "个自然日"),
            Unit::Months => ("month", "个月"),
            Unit::Hours => ("hour", "小时"),
            Unit::Minutes => ("minute", "分钟"),
        };
        let several = if amount.count == 1 { "" } else { "s" };
        let english = format!("{} {english}{several}", amount.count);
        self.say(&english, &format!("{}{chinese}", amount.count))
    }

    /// A row for each step of each ladder.
    fn ladders(&self) -> Table {
        let mut table = self.table(
            &["Ladder", "When", "Level", "Light", "Told", "Then"],
            &["督办规则", "触发时点", "级别", "亮灯", "通知对象", "要求"],
        );
        for policy in &self.workflow.policies {
            for (at, step) in policy.steps.iter().enumerate() {
                table.add_row(self.step(policy, at, step));
            }
        }
        table
    }

    fn step(&self, policy: &Policy, at: usize, step: &Step) -> [String; 6] {
        let light = step.light.as_str();
        let chinese = match light {
            "blue" => "蓝灯",
            "yellow" => "黄灯",
            "red" => "红灯",
            _ => "",
        };
        [
            if at == 0 { policy.id.to_string() } else { String::new() },
            self.instant(&step.at),
            step.level.to_string(),
            self.say(light, chinese),
            self.roles(&step.notify),
            self.demands(step),
        ]
    }

    fn instant(&self, instant: &StepInstant) -> String {
        let list = |instants: &[StepInstant]| {
            let texts: Vec<String> = instants.iter().map(|each| self.instant(each)).collect();
            texts.join(&self.say(" or ", "与"))
        };
        match instant {
            StepInstant::Share(percent) => {
                self.say(&format!("{percent} %"), &format!("时限的{percent}%"))
            }
            StepInstant::Due => self.say("due", "到期"),
            StepInstant::Value(value) => {
                self.say(&format!("{value} or more"), &format!("达到{value}"))
            }
            StepInstant::Offset(Offset::Before(amount)) => {
                let amount = self.amount(*amount);
                self.say(&format!("{amount} before"), &format!("到期前{amount}"))
            }
            StepInstant::Offset(Offset::After(amount)) => {
                let amount = self.amount(*amount);
                self.say(&format!("{amount} after"), &format!("到期后{amount}"))
            }
            StepInstant::LaterOf(instants) => {
                let list = list(instants);
                self.say(&format!("{list}, whichever is later"), &format!("{list}取较晚者"))
            }
            StepInstant::EarlierOf(instants) => {
                let list = list(instants);
                self.say(&format!("{list}, whichever is earlier"), &format!("{list}取较早者"))
            }
        }
    }

    fn demands(&self, step: &Step) -> String {
        let mut demands = Vec::new();
        if let Some(within) = step.ack_within {
            let within = self.amount(within);
            let english = format!("acknowledge within {within}");
            demands.push(self.say(&english, &format!("{within}内签收")));
        }
        for requirement in &step.require {
            demands.push(match requirement {
                Requirement::RecoveryPlan => self.say("with a recovery plan", "提交整改计划"),
                Requirement::PromisedDate => self.say("with a promised date", "承诺完成日期"),
            });
        }
        if let Some(Repeat { every, times }) = step.repeat {
            let every = self.amount(every);
            let (english, chinese) = match times {
                Some(times) => (format!(", {times} times"), format!("，共{times}次")),
                None => Default::default(),
            };
            let english = format!("told again every {every}{english}");
            demands.push(self.say(&english, &format!("每{every}重复提醒{chinese}")));
        }
        demands.extend(self.actions(step));
        demands.join("\n")
    }

    /// What a step does beside telling.
    fn actions(&self, step: &Step) -> Vec<String> {
        let mut actions = Vec::new();
        if step.priority != Priority::Normal {
            let priority = step.priority.as_str();
            let english = format!("priority: {priority}");
            actions.push(self.say(&english, &format!("优先级：{priority}")));
        }
        if let Some(role) = &step.reassign {
            let role = self.role(role.as_str());
            actions.push(self.say(&format!("given to: {role}"), &format!("改派给{role}")));
        }
        if let Some((_, stage)) =
            step.open.as_ref().and_then(|stage| self.workflow.stage(stage.as_str()))
        {
            let title = self.title(&stage.title);
            actions.push(self.say(&format!("opens: {title}"), &format!("启动{title}")));
        }
        if let Some(task) =
            step.task.as_ref().and_then(|task| self.workflow.special_task(task.as_str()))
        {
            let title = self.title(&task.title);
            actions.push(self.say(&format!("calls: {title}"), &format!("召开{title}")));
        }
        actions
    }
}

fn printed(language: Language) -> String {
    let compilation = definition::compile(&Sources::embedded());
    let shipped = compilation.workflows.iter().map(|compiled| &compiled.workflow);
    let workflow = shipped.into_iter().find(|each| each.id.as_str() == "investment_project");
    let workflow = workflow.expect("the shipped lifecycle compiles");
    let organization = &compilation.organization;
    Printer { language, workflow, organization }.everything()
}

#[test]
fn the_table_of_stages_in_english() {
    insta::assert_snapshot!(printed(Language::English));
}

#[test]
fn the_table_of_stages_in_chinese() {
    insta::assert_snapshot!(printed(Language::Chinese));
}

/// The founding team: fourteen people in four industry groups and one coordination group.
#[test]
fn the_team_has_fourteen_members_in_five_groups() {
    let organization = definition::compile(&Sources::embedded()).organization;
    let sizes = |kind: GroupKind| {
        let groups = organization.groups.iter().filter(move |group| group.kind == kind);
        groups.map(|group| organization.members_of(group.id.as_str()).count()).collect::<Vec<_>>()
    };
    let (industry, coordination) = (sizes(GroupKind::Industry), sizes(GroupKind::Coordination));
    assert_eq!((industry.len(), coordination.len()), (4, 1));
    assert_eq!(industry.iter().chain(&coordination).sum::<usize>(), 14);
    assert!(sizes(GroupKind::External).iter().all(|members| *members > 0));
}
