//! Sources: what a column shows, a test asks, an order follows. A short path such as
//! `stage.signing.entered`, and what it gives.
//!
//! Knows names, kinds and titles; never an instance.

use std::sync::Arc;

use crate::model::id::{ActivityId, FieldId, StageId, TaskId};
use crate::model::link::{Direction, Relation};
use crate::model::organization::Title;

/// What a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A text, as it stands.
    Text,
    /// A whole number.
    Integer,
    /// An exact decimal.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// An instant, to the minute, in the zone of the workflow's calendar.
    Time,
    /// A name, shown as what people call it.
    Name(Naming),
}

impl Kind {
    /// Whether it can be added up.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }

    /// Whether it stands for a point in time.
    pub fn is_instant(self) -> bool {
        matches!(self, Self::Date | Self::Time)
    }
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Naming {
    /// A member.
    Member,
    /// A group.
    Group,
    /// A role or a group.
    Role,
    /// A workflow.
    Workflow,
    /// A stage.
    Stage,
    /// A task.
    Task,
    /// A kind of activity.
    Activity,
    /// What a limit measures: a task, a stage, or a clock of the whole.
    Limit,
    /// A reason code.
    Reason,
    /// One of the ledger's own words: a status, a light, a state.
    Word,
    /// A word of a choice or an outcome.
    Choice,
}

/// What a source is about and which part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// The number of the row: 1, 2, 3, …
    Number,
    /// The instance.
    Whole(WholePart),
    /// A field of the instance.
    Field(FieldId),
    /// The stay in the path stage in which the instance is; where the path has ended, that in the
    /// stage beside it that has been open longest.
    Current(StayPart),
    /// The latest stay in a stage.
    Stage(StageId, StayPart),
    /// The latest task of a name.
    Task(TaskId, Option<Arc<str>>, TaskSource),
    /// The activities of a kind.
    Activity(ActivityId, ActivitySource),
    /// The other instances of a relation.
    Link(Relation, Direction, LinkPart),
    /// The row, where it is a stay.
    RowStay(StayPart),
    /// A task that belongs to the stay which is the row: the latest of its name.
    RowStayTask(TaskId, Option<Arc<str>>, TaskSource),
    /// The row, where it is a task.
    RowTask(TaskSource),
    /// The row, where it is an activity.
    RowActivity(LoggedSource),
    /// The row, where it is a limit.
    RowLimit(LimitPart),
    /// The row, where it is an escalation.
    RowEscalation(EscalationPart),
    /// The row, where it is an extension.
    RowExtension(ExtensionPart),
}

/// Something of a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TaskSource {
    /// A part.
    Part(TaskPart),
    /// A field of its form.
    Form(FieldId),
}

/// Something of all activities of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ActivitySource {
    /// How many.
    Count,
    /// When the first one occurred.
    First,
    /// When the latest one occurred.
    Last,
    /// A field of the latest one.
    LastField(FieldId),
    /// The sum of a field.
    Sum(FieldId),
}

/// Words of relations, of this instance and of the other.
pub const RELATIONS: [(&str, Relation, Direction); 12] = [
    ("spawned_from", Relation::SpawnedFrom, Direction::Outward),
    ("spawned", Relation::SpawnedFrom, Direction::Inward),
    ("blocks", Relation::Blocks, Direction::Outward),
    ("blocked_by", Relation::Blocks, Direction::Inward),
    ("supports", Relation::Supports, Direction::Outward),
    ("supported_by", Relation::Supports, Direction::Inward),
    ("duplicates", Relation::Duplicates, Direction::Outward),
    ("duplicated_by", Relation::Duplicates, Direction::Inward),
    ("continues", Relation::Continues, Direction::Outward),
    ("continued_by", Relation::Continues, Direction::Inward),
    ("supplies", Relation::Supplies, Direction::Outward),
    ("supplied_by", Relation::Supplies, Direction::Inward),
];

/// Something of one activity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LoggedSource {
    /// A part.
    Part(LoggedPart),
    /// A field of it.
    Field(FieldId),
}

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$own:meta])* $variant:ident $word:literal $kind:expr, $en:literal $zh:literal;)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$own])* $variant,)*
        }

        impl $name {
            /// Every part with its word, in the order in which they are explained.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// What it gives.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => $kind,)*
                }
            }

            /// What a column is called that shows it.
            pub fn title(self) -> Title {
                let (en, zh) = match self {
                    $(Self::$variant => ($en, $zh),)*
                };
                Title { en: en.to_owned(), zh: zh.to_owned() }
            }
        }
    )*};
}

use Kind::{Boolean, Date, Decimal, Integer, Name, Text, Time};
use Naming::{Activity, Choice, Group, Limit, Member, Reason, Role, Stage, Task, Word, Workflow};

parts! {
    /// Parts of an instance.
    WholePart {
        /// Its id.
        Id "id" Text, "Id" "编号";
        /// Its workflow.
        Workflow "workflow" Name(Workflow), "Workflow" "流程";
        /// Where it stands.
        Status "status" Name(Word), "Status" "状态";
        /// Who carries it.
        Steward "steward" Name(Member), "Steward" "包保责任人";
        /// The steward's group.
        Group "group" Name(Group), "Group" "工作组";
        /// When it was created.
        Created "created" Time, "Registered" "登记时间";
        /// When it was completed or terminated.
        Ended "ended" Time, "Ended" "办结时间";
        /// Why it was terminated.
        Reason "reason" Name(Reason), "Reason" "终止原因";
        /// The brightest light of its limits.
        Light "light" Name(Word), "Light" "亮灯";
        /// The highest level that has fired among its running limits.
        Level "level" Text, "Level" "督办级别";
        /// What it ended with, where its workflow says by which task.
        Outcome "outcome" Name(Choice), "Outcome" "办理结果";
        /// How often it was returned.
        Returns "returns" Integer, "Returns" "退回次数";
        /// How many extensions were granted.
        Extensions "extensions" Integer, "Extensions" "延期次数";
        /// Since when it is suspended.
        Suspended "suspended" Time, "Suspended since" "挂起时间";
    }
    /// Parts of a stay in a stage.
    StayPart {
        /// The stage.
        Stage "stage" Name(Stage), "Stage" "环节";
        /// Where it stands: open, left, skipped.
        State "state" Name(Word), "State" "状态";
        /// When it began.
        Entered "entered" Time, "Entered" "进入时间";
        /// When it ended.
        Left "left" Time, "Left" "离开时间";
        /// When its limit runs out.
        Due "due" Time, "Due" "应办结时间";
        /// The same without extensions.
        DueOriginally "due_originally" Time, "Due originally" "原应办结时间";
        /// Working days until then; below zero: since then.
        DaysLeft "days_left" Integer, "Days left" "剩余工作日";
        /// Working time in it so far, in days, without excluded time and suspensions.
        Dwell "dwell" Decimal, "Working days" "用时（工作日）";
        /// Calendar days in it so far.
        Days "days" Integer, "Calendar days" "用时（自然日）";
        /// Which stay.
        Attempt "attempt" Integer, "Stay" "第几次";
        /// How often the instance was returned to it.
        Returns "returns" Integer, "Returns" "退回次数";
        /// The light of its limit.
        Light "light" Name(Word), "Light" "亮灯";
        /// Whether it ended before its original limit ran out.
        OnTime "on_time" Boolean, "On time" "按时";
    }
    /// Parts of a task.
    TaskPart {
        /// The task.
        Task "task" Name(Task), "Task" "事项";
        /// Which of a `for_each`.
        Each "each" Text, "For" "对象";
        /// Its stage.
        Stage "stage" Name(Stage), "Stage" "环节";
        /// Which attempt.
        Attempt "attempt" Integer, "Attempt" "第几次";
        /// Where it stands: open, done, cancelled.
        State "state" Name(Word), "State" "状态";
        /// Whose it is to do.
        Role "role" Name(Role), "Role" "责任单位";
        /// Who holds it, or held it last.
        Holder "holder" Name(Member), "Holder" "承办人";
        /// Who holds it, or else the steward.
        Owner "owner" Name(Member), "Answerable" "责任人";
        /// How many have held it.
        Holders "holders" Integer, "Holders" "经办人数";
        /// When it opened.
        Opened "opened" Time, "Opened" "开始时间";
        /// When it was done.
        Done "done" Time, "Done" "办结时间";
        /// Who did it.
        By "by" Name(Member), "Done by" "办结人";
        /// What it ended with.
        Outcome "outcome" Name(Choice), "Outcome" "结果";
        /// What was said with it.
        Comment "comment" Text, "Comment" "说明";
        /// When its limit runs out.
        Due "due" Time, "Due" "应办结时间";
        /// The same without extensions.
        DueOriginally "due_originally" Time, "Due originally" "原应办结时间";
        /// Working days until then; below zero: since then.
        DaysLeft "days_left" Integer, "Days left" "剩余工作日";
        /// Working days by which it is or was too late.
        DaysOver "days_over" Integer, "Days over" "超期工作日";
        /// Working time until it was done, in days, without excluded time and suspensions.
        Dwell "dwell" Decimal, "Working days" "用时（工作日）";
        /// The light of its limit.
        Light "light" Name(Word), "Light" "亮灯";
        /// Whether it was done before its original limit ran out.
        OnTime "on_time" Boolean, "On time (original limit)" "按原时限办结";
        /// Whether it was done before its limit, extensions included, ran out.
        InTime "in_time" Boolean, "In time (extended limit)" "按延期时限办结";
        /// How many extensions were granted.
        Extensions "extensions" Integer, "Extensions" "延期次数";
    }
    /// Parts of the relations of one kind.
    LinkPart {
        /// How many other instances.
        Count "count" Integer, "count" "数";
        /// How many of them are not known to have ended.
        Open "open" Integer, "open" "未结数";
        /// Their ids.
        Ids "ids" Text, "ids" "编号";
    }
    /// Parts of an activity.
    LoggedPart {
        /// Its kind.
        Kind "activity" Name(Activity), "Activity" "活动";
        /// When it occurred.
        At "at" Time, "When" "时间";
        /// When it was logged.
        Logged "logged" Time, "Logged" "记录时间";
        /// Who logged it.
        By "by" Name(Member), "By" "记录人";
    }
    /// Parts of a limit.
    LimitPart {
        /// What it measures.
        What "what" Name(Limit), "What" "事项";
        /// Its stage.
        Stage "stage" Name(Stage), "Stage" "环节";
        /// Where it stands: running, paused, ended.
        State "state" Name(Word), "State" "状态";
        /// When it began.
        Started "started" Time, "Began" "开始时间";
        /// When it runs out.
        Due "due" Time, "Due" "应办结时间";
        /// The same without extensions.
        DueOriginally "due_originally" Time, "Due originally" "原应办结时间";
        /// Working days until then; below zero: since then.
        DaysLeft "days_left" Integer, "Days left" "剩余工作日";
        /// Working days by which it is or was over.
        DaysOver "days_over" Integer, "Days over" "超期工作日";
        /// Its light.
        Light "light" Name(Word), "Light" "亮灯";
        /// The highest level that has fired.
        Level "level" Text, "Level" "督办级别";
        /// When its highest step fired.
        Raised "raised" Time, "Raised" "亮灯时间";
        /// Who is answerable: the holder of its task, or the steward.
        Owner "owner" Name(Member), "Answerable" "责任人";
        /// When its highest step was acknowledged.
        Acknowledged "acknowledged" Time, "Acknowledged" "签收时间";
        /// By whom.
        AcknowledgedBy "acknowledged_by" Name(Member), "Acknowledged by" "签收人";
        /// How the delay will be made good.
        Plan "plan" Text, "Recovery plan" "整改措施";
        /// The day that was promised.
        Promised "promised" Date, "Promised" "承诺完成日";
        /// How many extensions were granted.
        Extensions "extensions" Integer, "Extensions" "延期次数";
    }
    /// Parts of a step of a ladder that told people.
    EscalationPart {
        /// What the limit measures.
        What "what" Name(Limit), "What" "事项";
        /// Its stage.
        Stage "stage" Name(Stage), "Stage" "环节";
        /// Its level.
        Level "level" Text, "Level" "督办级别";
        /// Its light.
        Light "light" Name(Word), "Light" "亮灯";
        /// The ladder.
        Policy "policy" Text, "Ladder" "督办规则";
        /// When it fired.
        Raised "raised" Time, "Raised" "亮灯时间";
        /// When the limit ran out, or does.
        Due "due" Time, "Due" "应办结时间";
        /// Where it stands: open, acknowledged, cleared.
        State "state" Name(Word), "State" "状态";
        /// Who was answerable when it fired: the holder of the task, or the steward.
        Owner "owner" Name(Member), "Answerable" "责任人";
        /// How many people it told.
        Told "told" Integer, "People told" "通知人数";
        /// How often it told again.
        Repeats "repeats" Integer, "Repeats" "重复提醒次数";
        /// When it was acknowledged.
        Acknowledged "acknowledged" Time, "Acknowledged" "签收时间";
        /// By whom.
        AcknowledgedBy "acknowledged_by" Name(Member), "Acknowledged by" "签收人";
        /// Working hours until then.
        Latency "latency" Decimal, "Working hours to acknowledge" "签收用时（工作小时）";
        /// What was said with it.
        Comment "comment" Text, "Comment" "说明";
        /// How the delay will be made good.
        Plan "plan" Text, "Recovery plan" "整改措施";
        /// The day that was promised.
        Promised "promised" Date, "Promised" "承诺完成日";
        /// When its light went out.
        Cleared "cleared" Time, "Cleared" "消灯时间";
    }
    /// Parts of an extension that was asked for or granted.
    ExtensionPart {
        /// What the limit measures.
        What "what" Name(Limit), "What" "事项";
        /// Its stage.
        Stage "stage" Name(Stage), "Stage" "环节";
        /// How much, or up to which day.
        Amount "amount" Text, "Extension" "延期时长";
        /// When it was asked for.
        Asked "asked" Time, "Asked" "申请时间";
        /// Who asked.
        AskedBy "asked_by" Name(Member), "Asked by" "申请人";
        /// Why.
        Reason "reason" Text, "Reason" "申请理由";
        /// What became of it: pending, granted, refused, lapsed.
        Decision "decision" Name(Word), "Decision" "审批结果";
        /// When that was decided.
        Decided "decided" Time, "Decided" "审批时间";
        /// Who decided.
        DecidedBy "decided_by" Name(Member), "Decided by" "审批人";
        /// What was said with it.
        Comment "comment" Text, "Comment" "审批意见";
        /// The original due time.
        DueOriginally "due_originally" Time, "Due originally" "原应办结时间";
        /// The due time before it.
        DueBefore "due_before" Time, "Due before" "延期前时限";
        /// The due time after it.
        DueAfter "due_after" Time, "Due after" "延期后时限";
    }
}
