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
