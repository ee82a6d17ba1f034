//! The language in which people are told: heads of tables, results, refusals. Names, codes and what
//! programs read stay as they are; knows nothing of what the tables hold.

use clap::ValueEnum;

use crate::api::pb;
use crate::calendar::render;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// English
    En,
    /// Chinese
    Zh,
}

impl Language {
    pub(super) fn to_wire(self) -> i32 {
        match self {
            Self::En => pb::Language::English.into(),
            Self::Zh => pb::Language::Chinese.into(),
        }
    }

    /// The text in this language.
    pub(super) fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::En => english,
            Self::Zh => chinese,
        }
    }

    /// The head of a column.
    pub(super) fn head(self, english: &str) -> &str {
        let known = HEADS.iter().find(|(known, _)| *known == english);
        known.map_or(english, |(_, chinese)| self.pick(english, chinese))
    }

    /// Why something was refused, in few words; none: there are none for this code.
    pub(super) fn refusal(self, code: &str) -> Option<&'static str> {
        let language = match self {
            Self::En => render::Language::English,
            Self::Zh => render::Language::Chinese,
        };
        crate::spec::tell::refusal(code, language)
    }
}

/// The heads of what is listed.
const HEADS: &[(&str, &str)] = &[
    ("ABOVE", "上级"),
    ("ACKNOWLEDGED BY", "签收人"),
    ("ACTIVE", "现行版本"),
    ("AGAIN EVERY", "重复间隔"),
    ("ANSWER WITHIN", "签收时限"),
    ("ASKED OF OTHERS", "对外事项"),
    ("AT", "触发时点"),
    ("ATTEMPT", "次数"),
    ("AWAY", "不在岗"),
    ("BACKUP", "AB 岗"),
    ("BACKUPS", "AB 岗"),
    ("BEGUN", "开始"),
    ("CALENDAR", "日历"),
    ("CLOCK", "计时"),
    ("DONE", "已移交"),
    ("DUE", "到期"),
    ("ENDED", "结束"),
    ("FORCES", "可强制"),
    ("FROM", "自"),
    ("GROUP", "组别"),
    ("HOLDER", "承办人"),
    ("ID", "编号"),
    ("INSTANCE", "编号"),
    ("LADDER", "升级规则"),
    ("LEFT", "未移交"),
    ("LEVEL", "层级"),
    ("LIGHT", "亮灯"),
    ("LIMIT", "时限"),
    ("LOAD", "负荷"),
    ("MEMBER", "成员"),
    ("MEMBERS", "成员"),
    ("NAME", "英文名"),
    ("NEXT", "下一时点"),
    ("NOTE", "备注"),
    ("OF", "所属流程"),
    ("ON DUTY", "值班"),
    ("OVERDUE", "超期"),
    ("PUBLISHED UNTIL", "已发布至"),
    ("READ", "阅读日"),
    ("RED", "红灯"),
    ("REFUSED", "拒绝原因"),
    ("RELATION", "关联"),
    ("REVISION", "版次"),
    ("ROLE", "角色"),
    ("ROLES", "角色"),
    ("SINCE", "起始"),
    ("SOON", "将到期"),
    ("STAGE", "环节"),
    ("STAGES", "环节"),
    ("STATE", "状态"),
    ("STATUS", "状态"),
    ("STEWARD", "包保人"),
    ("SUBSTITUTE", "代岗人"),
    ("TASK", "序号"),
    ("TASKS", "事项"),
    ("TELLS", "通知"),
    ("TITLE", "名称"),
    ("TO", "至"),
    ("TODAY", "今日"),
    ("TOLD", "已通知"),
    ("TRIES", "次数"),
    ("UNTIL", "截止"),
    ("VERSIONS", "版本"),
    ("WAITING", "待移交"),
    ("WHAT", "内容"),
    ("WHERE", "位置"),
    ("WHY", "原因"),
    ("WORKFLOW", "流程"),
    ("WOULD BE DUE", "新到期"),
    ("YELLOW", "黄灯"),
    ("ZONE", "时区"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_head_stands_once_in_order_and_is_said_in_chinese() {
        assert!(HEADS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(HEADS.iter().all(|(_, chinese)| !chinese.is_ascii()));
        assert_eq!((Language::Zh.head("DUE"), Language::En.head("DUE")), ("到期", "DUE"));
        assert_eq!(Language::Zh.head("project.tier"), "project.tier");
    }
}
