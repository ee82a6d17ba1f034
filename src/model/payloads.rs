//! The macro that makes one enum of all payloads, with the kind of each.

macro_rules! payloads {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal
        { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        /// What happened.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Payload {
            $($(#[$doc])* $variant { $($(#[$field_doc])* $field: $type,)* },)*
        }

        impl Payload {
            /// The kinds of all events, in the order of this file.
            pub const KINDS: &'static [&'static str] = &[$($kind,)*];

            /// The kind, as subscribers filter by it.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $kind,)*
                }
            }
        }
    };
}
