variable "role_arns" {
  description = "The roles that the base role assumes."
  type        = list(string)
  default     = []
}

variable "principal_arn" {
  description = "The role that may assume the member role: the base role, or the hub role in between."
  type        = string
  default     = null
}

variable "external_id" {
  description = "The external ID that the principal must send to assume the member role; null: none."
  type        = string
  default     = null
}

variable "storage" {
  description = "The storage of config.yaml if it is in S3: s3://bucket/prefix; null: a folder."
  type        = string
  default     = null

  validation {
    condition     = var.storage == null ? true : can(regex("^s3://[^/]+", var.storage))
    error_message = "It must be s3://bucket/prefix, or null."
  }
}

variable "partition" {
  description = "The AWS partition of the bucket: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}
