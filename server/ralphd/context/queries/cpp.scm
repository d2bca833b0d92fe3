; What C++ has beside C, whose query (c.scm) stands before this one.
(namespace_definition body: (declaration_list (declaration declarator: [
  (identifier) @definition
  (array_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (identifier) @definition)
  (init_declarator declarator: (array_declarator declarator: (identifier) @definition))
  (init_declarator declarator: (pointer_declarator declarator: (identifier) @definition))
])))
(alias_declaration name: (type_identifier) @definition)
(field_declaration (storage_class_specifier) declarator: (field_identifier) @definition)

(qualified_identifier name: (identifier) @reference)
(field_expression field: (field_identifier) @reference)
(template_function name: (identifier) @reference)

(parameter_declaration declarator: (reference_declarator (identifier) @bound))
(for_range_loop declarator: [(identifier) @bound (reference_declarator (identifier) @bound)])
