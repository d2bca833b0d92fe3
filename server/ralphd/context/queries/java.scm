; What Java's tags.scm leaves out: constants, enumerations, records, and types and members that are not called.
(enum_declaration name: (identifier) @definition)
(record_declaration name: (identifier) @definition)
(annotation_type_declaration name: (identifier) @definition)
(enum_constant name: (identifier) @definition)
(constant_declaration declarator: (variable_declarator name: (identifier) @definition))
(field_declaration (modifiers "static") declarator: (variable_declarator name: (identifier) @definition))

(type_identifier) @reference
(field_access field: (identifier) @reference)
(method_reference (identifier) @reference)
(annotation name: (identifier) @reference)
(marker_annotation name: (identifier) @reference)
(identifier) @word

(formal_parameter name: (identifier) @bound)
(catch_formal_parameter name: (identifier) @bound)
(inferred_parameters (identifier) @bound)
(lambda_expression parameters: (identifier) @bound)
(enhanced_for_statement name: (identifier) @bound)
(resource name: (identifier) @bound)
(local_variable_declaration declarator: (variable_declarator name: (identifier) @bound))
(field_declaration declarator: (variable_declarator name: (identifier) @bound))

(import_declaration (_) @near)
(package_declaration (_) @near)
