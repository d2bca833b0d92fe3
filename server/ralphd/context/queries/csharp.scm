; What C#'s tags.scm leaves out: constants, properties, structs, enumerations, records, and names that are used without a receiver.
(struct_declaration name: (identifier) @definition)
(enum_declaration name: (identifier) @definition)
(record_declaration name: (identifier) @definition)
(delegate_declaration name: (identifier) @definition)
(enum_member_declaration name: (identifier) @definition)
(property_declaration name: (identifier) @definition)
((field_declaration (modifier) @_modifier (variable_declaration (variable_declarator name: (identifier) @definition)))
 (#match? @_modifier "^(const|static|readonly|public)$"))

(invocation_expression function: (identifier) @reference)
(member_access_expression name: (identifier) @reference)
(generic_name (identifier) @reference)
(identifier) @word

(parameter name: (identifier) @bound)
(implicit_parameter) @bound
(variable_declarator name: (identifier) @bound)
(foreach_statement left: (identifier) @bound)
(catch_declaration name: (identifier) @bound)

(using_directive (_) @near)
(namespace_declaration name: (_) @near)
(file_scoped_namespace_declaration name: (_) @near)
