//! The one engine: raw, with chosen packages, every limit set, nothing that waits, prints,
//! imports or reads a clock. Knows the types of facts, never a workflow.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicFnPackage, BasicIteratorPackage, BasicMapPackage,
    BasicMathPackage, BasicStringPackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel, Scope};

use crate::model::limits;

use super::{numbers, people, views};

/// The names that every expression may use. Declared without values: a value that is known while
/// an expression is compiled would be baked into it.
pub(super) const FACTS: [&str; 4] = ["project", "stage", "task", "tasks"];

/// Words that no script may use.
pub(super) const SHUT: [&str; 5] = ["eval", "print", "debug", "import", "export"];

/// Functions that the language itself provides beside those that are registered.
pub(super) const BUILT_IN: [&str; 7] =
    ["Fn", "call", "curry", "type_of", "is_def_fn", "is_def_var", "is_shared"];

/// How the names of functions begin that have none in the script.
pub(super) const ANONYMOUS: &str = "anon$";

/// The engine that all scripts share. It refuses to compare what cannot be compared.
pub(super) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let mut engine = build();
        // Only so do the overloads count that refuse to compare a text with a number.
        engine.set_fast_operators(false);
        engine
    })
}

/// The same engine for expressions in which the type check has seen every comparison: it takes
/// the language's own operators without looking for overloads.
pub(super) fn checked() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(build)
}

/// Every function of the engine's, with the numbers of arguments that it takes, a receiver
/// counted as one.
pub(super) fn natives() -> &'static BTreeMap<String, BTreeSet<usize>> {
    static NATIVES: OnceLock<BTreeMap<String, BTreeSet<usize>>> = OnceLock::new();
    NATIVES.get_or_init(|| {
        let mut natives: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        let named = |info: rhai::FuncInfo<'_>| {
            let name = info.metadata.name.to_string();
            let is_word = name.starts_with(|first: char| first.is_ascii_alphabetic());
            (is_word && !name.contains('$')).then_some((name, info.metadata.num_params))
        };
        for (name, parameters) in engine().collect_fn_metadata(None, named, true) {
            natives.entry(name).or_default().insert(parameters);
        }
        natives
    })
}

/// A scope that declares the facts and holds none.
pub(super) fn declarations() -> Scope<'static> {
    let mut scope = Scope::new();
    for name in FACTS {
        scope.push(name, ());
    }
    scope
}

/// Runs something of the engine's; its panics become a message, never more.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned());
        format!("the script engine gave up: {}", text.as_deref().unwrap_or("no reason given"))
    })
}

fn build() -> Engine {
    let mut engine = Engine::new_raw();
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicFnPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);

    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    for symbol in SHUT {
        engine.disable_symbol(symbol);
    }

    engine.set_max_operations(limits::SCRIPT_OPERATIONS_MAX);
    engine.set_max_call_levels(limits::SCRIPT_CALL_LEVELS_MAX);
    engine.set_max_expr_depths(limits::EXPRESSION_DEPTH_MAX, limits::FUNCTION_EXPRESSION_DEPTH_MAX);
    engine.set_max_string_size(limits::SCRIPT_TEXT_BYTES_MAX);
    engine.set_max_array_size(limits::SCRIPT_ELEMENTS_MAX);
    engine.set_max_map_size(limits::SCRIPT_ELEMENTS_MAX);
    engine.set_max_functions(limits::RULE_FILE_FUNCTIONS_MAX);
    engine.set_max_variables(limits::SCRIPT_VARIABLES_MAX);

    numbers::register(&mut engine);
    views::register(&mut engine);
    people::register(&mut engine);
    engine
}
