variable "role_name" {
  description = "The name of the role, as in assume_role_name_template of config.yaml."
  type        = string
  default     = "tag-compliance-reader"
}

variable "path" {
  description = "The path of the role; it is part of the name in config.yaml."
  type        = string
  default     = "/"
}

variable "principal_arn" {
  description = "The role that may assume this one: the base role, or the hub role in between."
  type        = string
}

variable "external_id" {
  description = "The external_id of config.yaml; null: none is required."
  type        = string
  default     = null
}

variable "tags" {
  description = "The tags of the role."
  type        = map(string)
  default     = {}
}

variable "more_sources" {
  description = "Optional: more_sources of config.yaml, any of iam and autoscaling."
  type        = list(string)
  default     = []
}

variable "iam_tags_from" {
  description = "Optional: iam_tags_from of config.yaml, account_details or list_tags."
  type        = string
  default     = "account_details"
}

variable "never_tagged" {
  description = "Optional: never_tagged of config.yaml, off, report or count; report and count need Resource Explorer."
  type        = string
  default     = "off"
}

variable "read_regions" {
  description = "Optional: whether config.yaml sets organization.regions to enabled."
  type        = bool
  default     = false
}
